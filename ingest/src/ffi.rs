//! What the `rdkafka` crate does not offer, straight from librdkafka: messages with their leader epoch and the offset of an end-of-partition event,
//! leader epochs on assignments, topic ids and topic configuration, membership. The one unsafe module of the project.
//!
//! Nothing here decides anything; each block says why it is sound.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::slice;
use std::time::Duration;

use modeltrail_schemas::record::TimestampType;
use rdkafka::TopicPartitionList;
use rdkafka::bindings::*;
use rdkafka::client::{Client, ClientContext};

/// A code of librdkafka with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The code.
    pub(crate) code: rd_kafka_resp_err_t,
    /// What it means here.
    pub(crate) text: String,
}

impl Trouble {
    fn of(code: rd_kafka_resp_err_t, text: *const c_char) -> Self {
        let text = text_of(text).filter(|text| !text.is_empty());
        // SAFETY: rd_kafka_err2str takes any code and gives a static or thread-local C string.
        let text = text.unwrap_or_else(|| text_of(unsafe { rd_kafka_err2str(code) }).unwrap_or_default());
        Self { code, text }
    }
}

/// A copy of a C string that librdkafka hands out; `None` for null.
fn text_of(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and every caller passes a NUL-terminated string that librdkafka keeps alive during this call.
    Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// A message or event from a consumer's queue; freed when dropped.
pub(crate) struct Polled<'a> {
    message: NonNull<rd_kafka_message_t>,
    client: PhantomData<&'a ()>,
}

/// What was polled.
pub(crate) enum What {
    /// A record.
    Record,
    /// The end of the partition, at the offset that the next record will have.
    End,
    /// Something failed.
    Trouble(Trouble),
}

/// A header's name and value, as they came.
pub(crate) type Header<'m> = (&'m [u8], Option<&'m [u8]>);

/// The headers of a message could not be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BadHeaders;

/// Takes the next message or event of a consumer, waiting at most `timeout`.
pub(crate) fn poll<C: ClientContext>(client: &Client<C>, timeout: Duration) -> Option<Polled<'_>> {
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the handle lives as long as `client`, and librdkafka's polling is safe for concurrent calls.
    let message = unsafe { rd_kafka_consumer_poll(client.native_ptr(), millis) };
    NonNull::new(message).map(|message| Polled { message, client: PhantomData })
}

impl Polled<'_> {
    fn raw(&self) -> &rd_kafka_message_t {
        // SAFETY: the message is ours until it is dropped, and its fields don't change.
        unsafe { self.message.as_ref() }
    }

    /// What it is.
    pub(crate) fn what(&self) -> What {
        match self.raw().err {
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => What::Record,
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF => What::End,
            // SAFETY: the message is alive; the text belongs to it and is copied at once.
            code => What::Trouble(Trouble::of(code, unsafe { rd_kafka_message_errstr(self.message.as_ptr()) })),
        }
    }

    /// The topic; an error may have none.
    pub(crate) fn topic(&self) -> Option<&str> {
        let topic = self.raw().rkt;
        if topic.is_null() {
            return None;
        }
        // SAFETY: the message holds a reference to the topic, whose name is a NUL-terminated string for as long as it lives.
        unsafe { CStr::from_ptr(rd_kafka_topic_name(topic)) }.to_str().ok()
    }

    /// The partition; `None` where an error has none.
    pub(crate) fn partition(&self) -> Option<u32> {
        u32::try_from(self.raw().partition).ok()
    }

    /// The offset; `None` where an error has none.
    pub(crate) fn offset(&self) -> Option<u64> {
        u64::try_from(self.raw().offset).ok()
    }

    /// The leader epoch, −1 when unknown.
    pub(crate) fn leader_epoch(&self) -> i32 {
        // SAFETY: the message is alive and came from a consumer.
        unsafe { rd_kafka_message_leader_epoch(self.message.as_ptr()) }
    }

    /// The key; null is not the same as empty.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.bytes(self.raw().key, self.raw().key_len)
    }

    /// The payload; null is a tombstone.
    pub(crate) fn payload(&self) -> Option<&[u8]> {
        self.bytes(self.raw().payload, self.raw().len)
    }

    fn bytes(&self, at: *const c_void, len: usize) -> Option<&[u8]> {
        // SAFETY: librdkafka gives a pointer to `len` bytes that live as long as the message, or null.
        (!at.is_null()).then(|| unsafe { slice::from_raw_parts(at.cast::<u8>(), len) })
    }

    /// The timestamp in milliseconds since 1970, and who set it.
    pub(crate) fn timestamp(&self) -> (Option<i64>, TimestampType) {
        let mut kind = rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive, `kind` is writable.
        let millis = unsafe { rd_kafka_message_timestamp(self.message.as_ptr(), &raw mut kind) };
        match kind {
            _ if millis == -1 => (None, TimestampType::None),
            rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => (Some(millis), TimestampType::Create),
            rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => (Some(millis), TimestampType::Append),
            rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => (None, TimestampType::None),
        }
    }

    /// All headers in order, with doubles and nulls.
    pub(crate) fn headers(&self) -> Result<Vec<Header<'_>>, BadHeaders> {
        let mut headers = ptr::null_mut();
        // SAFETY: the message is alive, `headers` is writable; the list stays the message's own.
        match unsafe { rd_kafka_message_headers(self.message.as_ptr(), &raw mut headers) } {
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {}
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__NOENT => return Ok(Vec::new()),
            _ => return Err(BadHeaders),
        }
        let mut found = Vec::new();
        loop {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            // SAFETY: `headers` came from this message, which is alive; the out pointers are writable.
            let code =
                unsafe { rd_kafka_header_get_all(headers, found.len(), &raw mut name, &raw mut value, &raw mut size) };
            if code != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Ok(found);
            }
            // SAFETY: the name is a NUL-terminated string that lives as long as the message.
            let name = unsafe { CStr::from_ptr(name) }.to_bytes();
            found.push((name, self.bytes(value, size)));
        }
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        // SAFETY: we own the message, nothing borrowed from it outlives `self`, and this runs once.
        unsafe { rd_kafka_message_destroy(self.message.as_ptr()) }
    }
}

/// Sets the leader epoch of one element, so that the broker is asked whether the log was cut before that position.
pub(crate) fn set_leader_epoch(list: &TopicPartitionList, topic: &str, partition: i32, epoch: i32) {
    let Ok(topic) = CString::new(topic) else { return };
    // SAFETY: the list is alive and borrowed; the element that is found belongs to it, and only its epoch is written, by librdkafka itself.
    unsafe {
        let element = rd_kafka_topic_partition_list_find(list.ptr(), topic.as_ptr(), partition);
        if !element.is_null() {
            rd_kafka_topic_partition_set_leader_epoch(element, epoch);
        }
    }
}

/// Whether a client has a place in its consumer group, or asked for one.
pub(crate) fn is_member<C: ClientContext>(client: &Client<C>) -> bool {
    // SAFETY: the handle lives as long as `client`. The id is ours: it is read, then freed once by the function made for it.
    unsafe {
        let id = rd_kafka_memberid(client.native_ptr());
        let any = text_of(id).is_some_and(|id| !id.is_empty());
        if !id.is_null() {
            rd_kafka_mem_free(client.native_ptr(), id.cast());
        }
        any
    }
}

/// Takes what librdkafka has to say, which would otherwise go to standard error past every log of ours.
pub(crate) struct LogQueue(NonNull<rd_kafka_queue_t>);

// SAFETY: a queue's handle may be used from any thread and from several at once; librdkafka locks it.
unsafe impl Send for LogQueue {}
// SAFETY: as above.
unsafe impl Sync for LogQueue {}

impl LogQueue {
    /// Redirects a client's words; `None` when librdkafka makes no queue.
    pub(crate) fn of<C: ClientContext>(client: &Client<C>) -> Option<Self> {
        // SAFETY: the handle lives as long as `client`. The new queue is ours; the client keeps a reference of its own to it.
        unsafe {
            let queue = NonNull::new(rd_kafka_queue_new(client.native_ptr()))?;
            let code = rd_kafka_set_log_queue(client.native_ptr(), queue.as_ptr());
            let found = Self(queue);
            (code == rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR).then_some(found)
        }
    }

    /// The next line: syslog level, facility and text.
    pub(crate) fn next(&self) -> Option<(i32, String, String)> {
        let (mut facility, mut text, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the queue is ours and alive. The event is freed here, once; its texts belong to it and are copied before.
        unsafe {
            let event = rd_kafka_queue_poll(self.0.as_ptr(), 0);
            if event.is_null() {
                return None;
            }
            let said = rd_kafka_event_log(event, &raw mut facility, &raw mut text, &raw mut level) == 0;
            let line = said.then(|| (level, text_of(facility).unwrap_or_default(), text_of(text).unwrap_or_default()));
            rd_kafka_event_destroy(event);
            line.or_else(|| Some((7, String::new(), String::new())))
        }
    }
}

impl Drop for LogQueue {
    fn drop(&mut self) {
        // SAFETY: our one reference, given back once; the client's own stays valid.
        unsafe { rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// A queue, options and event of one administrative request, freed together.
struct Request {
    queue: *mut rd_kafka_queue_t,
    options: *mut rd_kafka_AdminOptions_t,
    event: *mut rd_kafka_event_t,
}

impl Request {
    fn new<C: ClientContext>(client: &Client<C>, operation: rd_kafka_admin_op_t, timeout: Duration) -> Self {
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the handle lives as long as `client`. Both results are ours to free. A null error buffer of size 0 is allowed.
        unsafe {
            let rk = client.native_ptr();
            let options = rd_kafka_AdminOptions_new(rk, operation);
            rd_kafka_AdminOptions_set_request_timeout(options, millis, ptr::null_mut(), 0);
            Self { queue: rd_kafka_queue_new(rk), options, event: ptr::null_mut() }
        }
    }

    /// Waits for the answer, which stays alive as long as `self`.
    fn wait(&mut self, timeout: Duration) -> Result<*mut rd_kafka_event_t, Trouble> {
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue is ours and alive; the event is ours to free, which `drop` does.
        self.event = unsafe { rd_kafka_queue_poll(self.queue, millis) };
        if self.event.is_null() {
            return Err(Trouble::of(rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TIMED_OUT, ptr::null()));
        }
        // SAFETY: the event is alive; its text belongs to it and is copied at once.
        let (code, text) = unsafe { (rd_kafka_event_error(self.event), rd_kafka_event_error_string(self.event)) };
        match code {
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(self.event),
            code => Err(Trouble::of(code, text)),
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: all three are ours and freed once, the event (which may be null: nothing came) before its queue.
        unsafe {
            if !self.event.is_null() {
                rd_kafka_event_destroy(self.event);
            }
            rd_kafka_AdminOptions_destroy(self.options);
            rd_kafka_queue_destroy(self.queue);
        }
    }
}

fn c_topic(topic: &str) -> Result<CString, Trouble> {
    CString::new(topic).map_err(|_| Trouble::of(rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__INVALID_ARG, ptr::null()))
}

/// The id of a topic as Kafka prints it; `None` when the broker gives none.
pub(crate) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<Option<String>, Trouble> {
    let name = c_topic(topic)?;
    let mut request = Request::new(client, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout);
    let mut names = [name.as_ptr()];
    // SAFETY: the array holds one valid string that librdkafka copies; the collection is freed after the call, which copies it too.
    unsafe {
        let collection = rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), 1);
        rd_kafka_DescribeTopics(client.native_ptr(), collection, request.options, request.queue);
        rd_kafka_TopicCollection_destroy(collection);
    }
    let event = request.wait(timeout)?;
    let mut count = 0;
    // SAFETY: the event is alive until `request` is dropped, and is the answer to DescribeTopics (else the result is null, which is looked at).
    // What it holds is read before that; the one description exists when `count` says so.
    unsafe {
        let result = rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(Trouble::of(rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__BAD_MSG, ptr::null()));
        }
        let topics = rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Err(Trouble::of(rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ptr::null()));
        }
        let description = *topics;
        let error = rd_kafka_TopicDescription_error(description);
        let code =
            if error.is_null() { rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR } else { rd_kafka_error_code(error) };
        if code != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(Trouble::of(code, rd_kafka_error_string(error)));
        }
        let id = rd_kafka_TopicDescription_topic_id(description);
        let text = if id.is_null() { None } else { text_of(rd_kafka_Uuid_base64str(id)) };
        Ok(text.filter(|text| text.bytes().any(|byte| byte != b'A' && byte != b'=')))
    }
}

/// The configuration of a topic.
pub(crate) fn topic_config<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> Result<BTreeMap<String, String>, Trouble> {
    let name = c_topic(topic)?;
    let mut request = Request::new(client, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout);
    // SAFETY: the name is copied; the resource is ours and freed after the call, which copies it.
    unsafe {
        let resource = rd_kafka_ConfigResource_new(rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, name.as_ptr());
        let mut resources = [resource];
        rd_kafka_DescribeConfigs(client.native_ptr(), resources.as_mut_ptr(), 1, request.options, request.queue);
        rd_kafka_ConfigResource_destroy(resource);
    }
    let event = request.wait(timeout)?;
    let (mut count, mut found) = (0, BTreeMap::new());
    // SAFETY: the event is alive until `request` is dropped and is the answer to DescribeConfigs (else null, which is looked at);
    // arrays are as long as their counts say, and texts are copied before the event is freed.
    unsafe {
        let result = rd_kafka_event_DescribeConfigs_result(event);
        if result.is_null() {
            return Err(Trouble::of(rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__BAD_MSG, ptr::null()));
        }
        let resources = rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
        if resources.is_null() || count == 0 {
            return Ok(found);
        }
        let resource = *resources;
        let code = rd_kafka_ConfigResource_error(resource);
        if code != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(Trouble::of(code, ptr::null()));
        }
        let entries = rd_kafka_ConfigResource_configs(resource, &raw mut count);
        for at in 0..if entries.is_null() { 0 } else { count } {
            let entry = *entries.add(at);
            if let (Some(name), Some(value)) =
                (text_of(rd_kafka_ConfigEntry_name(entry)), text_of(rd_kafka_ConfigEntry_value(entry)))
            {
                found.insert(name, value);
            }
        }
    }
    Ok(found)
}
