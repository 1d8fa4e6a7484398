//! `rollbook schema`: attributes of a tenant's own.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use crate::manage::{report, rows};
use crate::remote::ServedTenant;
use crate::terminal::table;

/// Add and list extension schemas: attributes that users or groups of a tenant may carry.
#[derive(Args)]
#[command(after_help = "\
Examples:
  rollbook schema add badge.json
  rollbook schema add project.json --type Group
  rollbook schema list

A file holds one schema as RFC 7643 section 7 describes it, as in
  { \"id\": \"urn:example:params:scim:schemas:extension:badge:2.0:User\", \"name\": \"Badge\",
    \"attributes\": [ { \"name\": \"number\", \"type\": \"integer\" } ] }")]
pub(crate) struct Schema {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    tenant: ServedTenant,
}

#[derive(Subcommand)]
enum Verb {
    /// Let resources carry one more extension; it stays for good
    Add {
        /// The schema, in JSON
        file: PathBuf,
        /// Which resources may carry it
        #[arg(long = "type", value_name = "TYPE", default_value = "User", value_parser = ["User", "Group"])]
        resource_type: String,
        /// Every resource must carry it; only while there is none
        #[arg(long)]
        required: bool,
    },
    /// List the schemas that the tenant added
    List,
}

impl Schema {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (remote, slug) = self.tenant.found().await?;
        let path = ["tenants", slug.as_str(), "schemas"];
        match self.verb {
            Verb::Add { file, resource_type, required } => {
                let name = file.display();
                let text =
                    std::fs::read(&file).with_context(|| format!("{name} cannot be read"))?;
                let schema: Value =
                    serde_json::from_slice(&text).with_context(|| format!("{name} is not JSON"))?;
                let body = json!({ "schema": schema, "resourceType": resource_type, "required": required });
                report(&remote.ask(Method::POST, &path, &[], Some(&body)).await?, "added");
            }
            Verb::List => {
                let list = remote.ask(Method::GET, &path, &[], None).await?;
                let rows = rows(&list, "schemas", &["urn", "resourceType", "required", "added"]);
                table(&["SCHEMA", "TYPE", "REQUIRED", "ADDED"], &rows);
            }
        }
        Ok(())
    }
}
