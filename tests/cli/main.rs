//! The real binary against an S3 server in this process and against folders as buckets.
//!
//! One module a theme. [`team::Team`] is where nearly every test begins: a server, a bucket, and two
//! working copies of it.

#![allow(clippy::unwrap_used, reason = "a broken test bench should stop the test at once")]
#![allow(unreachable_pub, reason = "nothing outside of a test binary can reach anything")]

mod absences;
mod attributes;
mod bad_input;
mod clone;
mod conflicts;
mod connections;
mod credentials;
mod damaged_database;
mod deletions;
mod demo;
mod descriptors;
mod eight;
mod elsewhere;
mod endpoints;
mod evidence;
mod exit_codes;
mod floods;
mod folder_bucket;
mod folding;
mod force;
mod guard;
mod in_the_way;
mod init;
mod interrupted;
mod json;
mod large;
mod layers;
mod links;
mod lost_answers;
#[cfg(target_os = "linux")]
mod memory;
mod mounts;
mod moves;
mod names;
mod no_list;
mod no_op;
mod no_parts;
mod planning;
mod predecessors;
mod profiles;
mod prompts;
mod refused;
mod renamed_folders;
mod room;
mod rules;
mod scenarios;
mod selection;
mod shapes;
mod stores;
mod storms;
#[path = "../support/mod.rs"]
mod support;
mod team;
mod terminal;
mod tls;
mod transfers;
mod trash;
