//! The settings of every consumer. They carry the promise that nothing is skipped or doubled, so none of `OURS` can be overridden.

use rdkafka::ClientConfig;

use crate::config::Properties;
use crate::error::IngestError;

/// Name, value and why.
const OURS: [(&str, &str); 23] = [
    // Positions live in the ledger; Kafka's own commits are a courtesy and a witness, made by us.
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // A position that is not there is never replaced by another in silence.
    ("auto.offset.reset", "error"),
    ("isolation.level", "read_committed"),
    // The one way past transaction markers at the end of a partition.
    ("enable.partition.eof", "true"),
    ("check.crcs", "true"),
    ("group.protocol", "classic"),
    ("topic.metadata.refresh.interval.ms", "30000"),
    ("allow.auto.create.topics", "false"),
    ("fetch.min.bytes", "65536"),
    ("fetch.message.max.bytes", "4194304"),
    ("fetch.max.bytes", "52428800"),
    // At least fetch.max.bytes and 512 bytes of protocol.
    ("receive.message.max.bytes", "100000000"),
    // What waits in the client: bounded by bytes over all partitions.
    ("queued.max.messages.kbytes", "32768"),
    ("queued.min.messages", "100000"),
    // The default of a second stalls a small queue for a second.
    ("fetch.queue.backoff.ms", "100"),
    ("max.poll.interval.ms", "300000"),
    ("session.timeout.ms", "45000"),
    ("statistics.interval.ms", "0"),
    // Nothing is sent to brokers that they were not asked to store.
    ("enable.metrics.push", "false"),
    ("socket.keepalive.enable", "true"),
    ("reconnect.backoff.max.ms", "10000"),
    ("metadata.recovery.strategy", "rebootstrap"),
];

/// What a source may set otherwise. Throughput against latency: a broker waits at most 50 ms for 64 KiB.
const DEFAULTS: [(&str, &str); 1] = [("fetch.wait.max.ms", "50")];

/// Other names of settings above, and properties that would turn a source into something else.
const REFUSED: [(&str, &str); 9] = [
    ("auto.commit.enable", "it is another name of enable.auto.commit, which ingest sets itself"),
    ("max.partition.fetch.bytes", "it is another name of fetch.message.max.bytes, which ingest sets itself"),
    ("group.id", "use `group`"),
    ("group.instance.id", "use `assignment`: the ledger makes its instance id itself"),
    ("partition.assignment.strategy", "use `assignment`: the ledger sets how it is assigned"),
    ("group.remote.assignor", "use `assignment`: the ledger sets how it is assigned"),
    ("topic.blacklist", "each source names its topic"),
    ("test.mock.num.brokers", "it would replace the configured brokers by made-up ones"),
    ("auto.commit.interval.ms", "ingest commits by itself"),
];

/// Beginnings of names of which none is taken, so that a property of a later librdkafka is refused as well.
const REFUSED_PREFIXES: [(&str, &str); 1] = [("plugin.", "no foreign code is loaded into the ledger's process")];

/// What a member of the group has besides, or otherwise. It fetches nothing: it only has to see new partitions soon.
const MEMBER: [(&str, &str); 3] = [
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("queued.min.messages", "1"),
];

const OURS_WHY: &str = "ingest sets it itself, so that no record is skipped or taken twice";

/// Refuses properties that are ours.
pub(crate) fn check(source_name: &str, properties: &Properties) -> Result<(), IngestError> {
    for (name, _) in properties.iter() {
        let ours = OURS.iter().find(|(ours, _)| *ours == name).map(|_| OURS_WHY);
        let refused = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why);
        let by_prefix = REFUSED_PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, why)| *why);
        if let Some(why) = ours.or(refused).or(by_prefix) {
            return Err(IngestError::Property { source_name: source_name.to_owned(), property: name.to_owned(), why });
        }
    }
    Ok(())
}

/// The configuration of a cluster's consumer.
pub(crate) fn consumer(properties: &Properties, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", group);
    for (name, value) in DEFAULTS.into_iter().chain(properties.iter()) {
        config.set(name, value);
    }
    for (name, value) in OURS {
        config.set(name, value);
    }
    config.set("group.id", group);
    config
}

/// The configuration of a cluster's member of the group.
pub(crate) fn member(properties: &Properties, group: &str, instance: &str) -> ClientConfig {
    let mut config = consumer(properties, group);
    for (name, value) in MEMBER {
        config.set(name, value);
    }
    config.set("group.instance.id", instance);
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_ours_is_refused_by_name() {
        let names = OURS.iter().chain(&REFUSED).map(|(name, _)| (*name).to_owned());
        let prefixed = REFUSED_PREFIXES.iter().flat_map(|(prefix, _)| [format!("{prefix}x"), format!("{prefix}x.y")]);
        for name in names.chain(prefixed) {
            let error = check("ml", &Properties::bootstrap("a:1").with(&name, "x")).unwrap_err().to_string();
            assert!(error.contains(&name) && error.contains("ml"), "{error}");
        }
        assert!(check("ml", &Properties::bootstrap("a:1").with("sasl.username", "x")).is_ok());
    }

    #[test]
    fn librdkafka_knows_every_setting() {
        let config = consumer(&Properties::bootstrap("127.0.0.1:1"), "g");
        assert_eq!(config.get("auto.offset.reset"), Some("error"));
        config.create_native_config().unwrap();
        let config = member(&Properties::bootstrap("127.0.0.1:1"), "g", "i");
        assert_eq!((config.get("group.protocol"), config.get("group.instance.id")), (Some("classic"), Some("i")));
        config.create_native_config().unwrap();
    }
}
