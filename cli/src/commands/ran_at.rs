//! `modeltrail ran-at`: what services ran at a time.

use anyhow::Context as _;
use modeltrail_schemas::subject::Subject;
use modeltrail_views::rows::{Change, Deployment, Member};
use serde::{Deserialize, Serialize};

use super::approvals::mark;
use crate::args::RanAtArgs;
use crate::ask::{Answer, Source, at, of_server, subject};
use crate::exit::{Exit, refused};
use crate::folded::Folded;
use crate::output::Output;
use crate::table::{Table, or_dash, short_digest, short_time};

/// What one service ran, as the API gives it.
#[derive(Serialize, Deserialize)]
struct Ran {
    deployment: String,
    running: Vec<Member>,
    /// What put it there; absent before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<Change>,
}

pub(crate) fn run(args: &RanAtArgs, out: Output) -> anyhow::Result<Exit> {
    let deployment = args.deployment.as_deref().map(subject).transpose()?;
    let time = args.time.to_string();
    let answer = match Source::new(&args.from)? {
        Source::Bundle(folded) => of_bundle(args, deployment.as_ref(), &time, &folded)?,
        Source::Server(server) => {
            let mut query = vec![("time", time.as_str())];
            query.extend(deployment.as_ref().map(|deployment| ("deployment", deployment.as_str())));
            of_server::<Ran>(&server, &args.from, "/v1/ran-at", &query)?
        }
    };
    out.print(&answer, || {
        let mut table = Table::new(&["DEPLOYMENT", "RAN", "ROLE", "SHARE", "MANIFEST", "SINCE", "SIGNATURE", "ENTRY"]);
        answer.rows.iter().for_each(|ran| rows(ran, &mut table));
        table.text("No deployments.")
    })?;
    Ok(Exit::Holds)
}

fn of_bundle(
    args: &RanAtArgs,
    deployment: Option<&Subject>,
    time: &str,
    folded: &Folded,
) -> anyhow::Result<Answer<Ran>> {
    let size = folded.size(args.from.as_of)?;
    let view = folded.view(size);
    let page = view
        .page::<Deployment>(&[], None, usize::MAX, |row| deployment.is_none_or(|wanted| wanted.as_str() == row.subject))
        .context("the views of the bundle")?;
    if let (Some(wanted), true) = (deployment, page.rows.is_empty()) {
        return Err(refused(format!("no entry of the bundle changes {} by then", wanted.as_str())));
    }
    let mut ran = Vec::new();
    for row in page.rows {
        let found = view.ran_at(&row.subject, time)?;
        ran.push(Ran { deployment: row.subject, running: found.running, change: found.change });
    }
    Ok(Answer { as_of: at(folded, size), behind: 0, rows: ran, next: None, truncated: page.truncated })
}

fn rows(ran: &Ran, table: &mut Table) {
    let change = ran.change.as_ref();
    let since = or_dash(change.map(|change| short_time(&change.effective)).as_deref());
    let signature = change.map_or("-", |change| mark(change.act.signature)).to_owned();
    let entry = or_dash(change.map(|change| change.act.entry.to_string()).as_deref());
    if ran.running.is_empty() {
        let dash = || "-".to_owned();
        let nothing = "nothing".to_owned();
        table.row(vec![ran.deployment.clone(), nothing, dash(), dash(), dash(), since, signature, entry]);
        return;
    }
    for member in &ran.running {
        let share = member.weight.as_ref().map(|weight| format!("{weight} %"));
        table.row(vec![
            ran.deployment.clone(),
            member.subject.clone(),
            member.role.clone(),
            or_dash(share.as_deref()),
            or_dash(member.manifest_digest.as_deref().map(short_digest).as_deref()),
            since.clone(),
            signature.clone(),
            entry.clone(),
        ]);
    }
}
