//! `rollbook demo`

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use idpsim::stories::{self, STORIES, Stage};
use idpsim::{Company, Cycled, Entra, Okta, OneLogin, Provisioner, Script, Summary, cycle, play};
use indicatif::ProgressBar;

use crate::audit::show_roles;
use crate::from::From;
use crate::output::Output;
use crate::remote::Server;
use crate::terminal::{progress, say};

/// Fill a running server with a company's first month, as an identity provider would, and ask a
/// question.
///
/// The company, its people and what happens to them follow from the seed. It wants a tenant without
/// groups: `rollbook tenant open` opens one. People who are there already are linked. Entra ID and
/// OneLogin play one request after the other, and after the month the end of accounts too: who left
/// is deleted, one is hired again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook demo --key acme:rbk_… --operator-key rbo_…
  rollbook demo --people 5000 --seed 7
  rollbook demo --idp entra --people 100
  rollbook demo --story mass-mistake
  ROLLBOOK_URL=http://127.0.0.1:8080 ROLLBOOK_SCIM_KEY=… ROLLBOOK_OPERATOR_KEY=… rollbook demo")]
pub(crate) struct Demo {
    #[command(flatten)]
    server: Server,
    /// The tenant's API key, as the server printed it at its first start
    #[arg(long, env = "ROLLBOOK_SCIM_KEY", hide_env_values = true, value_name = "SLUG:KEY")]
    key: Option<String>,
    /// The identity provider that plays
    #[arg(long, value_enum, default_value_t = Idp::Okta)]
    idp: Idp,
    /// Instead of the month: play this story, with several hands, in a new tenant of its name
    #[arg(long, value_parser = story, conflicts_with_all = ["idp", "people", "seed", "key"])]
    story: Option<String>,
    /// People in the company
    #[arg(long, default_value_t = 500)]
    people: usize,
    /// What the company follows from
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Requests at once during the first import, which Okta alone does
    #[arg(long, default_value_t = 16)]
    concurrency: usize,
}

/// The identity providers that are played speak plain HTTP.
fn plays_at(url: &str) -> anyhow::Result<()> {
    ensure!(
        !url.starts_with("https://"),
        "the demo speaks no TLS: play it at a server without, as in http://127.0.0.1:8080"
    );
    Ok(())
}

impl Demo {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        if let Some(story) = &self.story {
            return self.tell(story).await;
        }
        let key = self.key.context(
            "the tenant's API key is needed: set ROLLBOOK_SCIM_KEY, or give --key acme:rbk_…",
        )?;
        let Some((slug, _)) = key.split_once(':') else {
            bail!("the API key names its tenant, as in acme:rbk_…; give the whole of it");
        };
        let slug = slug.to_owned();
        // Asked first, so that a wrong operator key shows before anything is written.
        let remote = self.server.required()?;
        let tenant = remote.ask(reqwest::Method::GET, &["tenants", &slug], &[], None).await?;
        // The month renames groups of its own, and would meet those of an earlier one half-way.
        if tenant.get("groups").and_then(serde_json::Value::as_u64) != Some(0) {
            bail!(
                "the tenant `{slug}` has groups already: open another with `rollbook tenant open`, \
                 and play there with its key"
            );
        }
        plays_at(&remote.url)?;
        let base = format!("{}/scim/{slug}/v2", remote.url);
        let company = Company::new(self.seed, self.people);
        let now = chrono::Utc::now();
        let script = match self.idp {
            Idp::Okta => Script::month(&company, now),
            Idp::Entra | Idp::Onelogin => Script::cycle(&company, now),
        };
        let bar = progress(script.steps.len() as u64, "steps");
        bar.set_message("provisioning");
        let begun = std::time::Instant::now();
        let told = match self.idp {
            Idp::Okta => {
                let okta = Okta::new(&base, &key);
                let played = play(&okta, &company, &script, self.concurrency, |_, done, total| {
                    bar.set_length(total as u64);
                    bar.set_position(done as u64);
                });
                played.await.map(|summary| (told(&summary), summary.requests))
            }
            Idp::Entra => played(&Entra::new(&base, &key).speaking_both(), &script, &bar).await,
            Idp::Onelogin => played(&OneLogin::new(&base, &key), &script, &bar).await,
        };
        bar.finish_and_clear();
        let (what, requests) = told.context("the demo broke off")?;
        let seconds = begun.elapsed().as_secs_f64();
        let rate = requests as f64 / seconds.max(0.001);
        say(what);
        say(format!("{requests} requests in {seconds:.1} s, {rate:.0} a second"));
        let from = From::asking(self.server, &slug);
        let story = script.story();
        let user = &story.user_name;
        // The script's own question names a Sunday night; this server's clock played it just now.
        say(format!(
            "\nSomebody gave {user} the role {} and took it back; there is no ticket for it. Who was it, \
             and what else had they?",
            story.role
        ));
        say(format!("$ rollbook audit roles {user}\n"));
        show_roles(Output::default(), &from.role_changes(user).await?);
        Ok(())
    }
}

impl Demo {
    /// Plays a story that is otherwise recorded: all of it happens now.
    async fn tell(&self, story: &str) -> anyhow::Result<()> {
        let remote = self.server.required()?;
        let key = self.server.operator_key.as_deref().unwrap_or_default();
        plays_at(&remote.url)?;
        let stage = Stage::new(&remote.url, key, story, |_| {});
        let told = stories::play(story, &stage).await.context("there is no such story")?;
        let told = told.context("the story broke off")?;
        say(format!(
            "{} deeds in the new tenant `{story}`, all of them just now",
            told.deeds.len()
        ));
        say(format!("\n$ rollbook audit commits --tenant {story} --newest --count 20\n"));
        Ok(())
    }
}

fn story(name: &str) -> Result<String, String> {
    let names: Vec<&str> = STORIES.iter().map(|(name, _)| *name).collect();
    let known = names.contains(&name).then(|| name.to_owned());
    known.ok_or_else(|| format!("there are {}", names.join(", ")))
}

/// Who plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Idp {
    /// Okta, as an application of its integration network
    Okta,
    /// Entra ID, in both of its PATCH dialects by turns
    Entra,
    /// OneLogin
    Onelogin,
}

async fn played<P: Provisioner>(
    client: &P,
    script: &Script,
    bar: &ProgressBar,
) -> Result<(String, u64), idpsim::ClientError> {
    let done = cycle(client, script, |_, done, _| bar.set_position(done as u64)).await?;
    Ok((told_of_cycle(&done), done.requests))
}

fn told(summary: &Summary) -> String {
    format!(
        "{} users and {} groups created, {} linked, {} profiles pushed, {} deactivations, {} member \
         changes",
        summary.users_created,
        summary.groups_created,
        summary.users_linked + summary.groups_linked,
        summary.profiles_pushed,
        summary.deactivations,
        summary.member_patches,
    )
}

fn told_of_cycle(done: &Cycled) -> String {
    format!(
        "{} users and {} groups created, {} linked, {} profiles updated, {} disabled, {} restored, \
         {} deleted, {} member changes",
        done.created,
        done.groups,
        done.linked,
        done.updated,
        done.disabled,
        done.restored,
        done.removed,
        done.member_changes,
    )
}
