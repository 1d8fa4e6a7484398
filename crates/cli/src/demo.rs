//! `rollbook demo`

use anyhow::{Context, bail};
use clap::Args;
use idpsim::{Company, Okta, Script, Summary, play};

use crate::audit::{From, show_roles};
use crate::remote::Server;
use crate::terminal::{progress, say};

/// Fill a running server with a company's first month, as Okta would, and ask a question.
///
/// The company, its people and what happens to them follow from the seed. Played again, people who
/// are there already are linked, as Okta does it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook demo --key acme:rbk_… --operator-key rbo_…
  rollbook demo --people 5000 --seed 7
  ROLLBOOK_URL=http://127.0.0.1:8080 ROLLBOOK_SCIM_KEY=… ROLLBOOK_OPERATOR_KEY=… rollbook demo")]
pub(crate) struct Demo {
    #[command(flatten)]
    server: Server,
    /// The tenant's API key, as the server printed it at its first start
    #[arg(long, env = "ROLLBOOK_SCIM_KEY", hide_env_values = true, value_name = "SLUG:KEY")]
    key: Option<String>,
    /// People in the company
    #[arg(long, default_value_t = 500)]
    people: usize,
    /// What the company follows from
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Requests at once during the first import
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
}

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let key = self.key.context(
            "the tenant's API key is needed: set ROLLBOOK_SCIM_KEY, or give --key acme:rbk_…",
        )?;
        let Some((slug, _)) = key.split_once(':') else {
            bail!("the API key names its tenant, as in acme:rbk_…; give the whole of it");
        };
        let slug = slug.to_owned();
        // Asked first, so that a wrong operator key shows before anything is written.
        let remote = self.server.required()?;
        remote.ask(reqwest::Method::GET, &["tenants", &slug], &[], None).await?;
        let okta = Okta::new(&format!("{}/scim/{slug}/v2", remote.url), &key);
        let company = Company::new(self.seed, self.people);
        let script = Script::month(&company, chrono::Utc::now());
        let bar = progress(script.steps.len() as u64, "steps");
        bar.set_message("provisioning");
        let begun = std::time::Instant::now();
        let played = play(&okta, &company, &script, self.concurrency, |_, done, total| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        })
        .await;
        bar.finish_and_clear();
        let summary = played.context("the demo broke off")?;
        tell(&summary, begun.elapsed().as_secs_f64());
        let from = From::asking(self.server, &slug);
        let user = &summary.story.user_name;
        // The script's own question names a Sunday night; this server's clock played it just now.
        say(format!(
            "\nSomebody gave {user} the role {} and took it back; there is no ticket for it. Who was it, \
             and what else had they?",
            summary.story.role
        ));
        say(format!("$ rollbook audit roles {user}\n"));
        show_roles(&from.role_changes(user).await?);
        Ok(())
    }
}

fn tell(summary: &Summary, seconds: f64) {
    say(format!(
        "{} users and {} groups created, {} linked, {} profiles pushed, {} deactivations, {} member \
         changes",
        summary.users_created,
        summary.groups_created,
        summary.users_linked + summary.groups_linked,
        summary.profiles_pushed,
        summary.deactivations,
        summary.member_patches,
    ));
    let rate = summary.requests as f64 / seconds.max(0.001);
    say(format!("{} requests in {seconds:.1} s, {rate:.0} a second", summary.requests));
}
