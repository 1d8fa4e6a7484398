//! The rows of what is measured, T1 to T16, each with its targets.

mod audit;
mod footprint;
mod groups;
mod mix;
mod past;
mod reads;
mod scan;
mod start;
mod storage;
mod writes;

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::bench::Bench;
use crate::figure::Figure;
use crate::lane::Summary;

/// One row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum, Serialize, Deserialize)]
#[value(rename_all = "UPPER")]
pub(crate) enum Row {
    T1,
    T2,
    T3,
    T4,
    T5,
    T6,
    T7,
    T8,
    T9,
    T10,
    T11,
    T12,
    T13,
    T14,
    T15,
    T16,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// What measuring a row gave.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) figures: Vec<Figure>,
    /// The lanes behind them, if it was load that was measured.
    pub(crate) lanes: Vec<Summary>,
}

impl Row {
    /// All, in the order in which they are measured: first those that share their servers.
    pub(crate) const ALL: [Row; 16] = [
        Row::T16,
        Row::T9,
        Row::T1,
        Row::T2,
        Row::T3,
        Row::T13,
        Row::T5,
        Row::T4,
        Row::T6,
        Row::T7,
        Row::T8,
        Row::T12,
        Row::T10,
        Row::T11,
        Row::T14,
        Row::T15,
    ];

    /// What it is about.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Row::T1 => "GET user by id",
            Row::T2 => "filter userName eq, externalId eq",
            Row::T3 => "list, a page of 100",
            Row::T4 => "durable create, 64 connections",
            Row::T5 => "durable create, 1 connection",
            Row::T6 => "PATCH active, PUT; durable, 64 connections",
            Row::T7 => "members join and leave groups",
            Row::T8 => "the Okta mix, 70 % reads, durable, 64 connections",
            Row::T9 => "memory of a user, indexes and trail included",
            Row::T10 => "ready after a start",
            Row::T11 => "replay into a fresh instance",
            Row::T12 => "disk",
            Row::T13 => "full scan",
            Row::T14 => "as-of reads",
            Row::T15 => "roles of a user, out of the audit trail",
            Row::T16 => "idle, and the start of an empty instance",
        }
    }

    /// Whether the servers that it shares with others are still needed once it is done.
    pub(crate) fn shares_servers(self) -> bool {
        match self {
            Row::T1
            | Row::T2
            | Row::T3
            | Row::T4
            | Row::T5
            | Row::T6
            | Row::T7
            | Row::T8
            | Row::T9
            | Row::T12
            | Row::T13 => true,
            Row::T10 | Row::T11 | Row::T14 | Row::T15 | Row::T16 => false,
        }
    }

    pub(crate) async fn measure(self, bench: &mut Bench<'_>) -> anyhow::Result<Measured> {
        match self {
            Row::T1 => reads::by_id(bench).await,
            Row::T2 => reads::filters(bench).await,
            Row::T3 => reads::lists(bench).await,
            Row::T4 => writes::many(bench).await,
            Row::T5 => writes::alone(bench).await,
            Row::T6 => writes::changes(bench).await,
            Row::T7 => groups::members(bench).await,
            Row::T8 => mix::mix(bench).await,
            Row::T9 => footprint::memory(bench).await,
            Row::T10 => start::ready(bench).await,
            Row::T11 => start::replay(bench).await,
            Row::T12 => storage::disk(bench).await,
            Row::T13 => scan::scan(bench).await,
            Row::T14 => past::as_of(bench).await,
            Row::T15 => audit::roles(bench).await,
            Row::T16 => footprint::idle(bench).await,
        }
    }
}
