//! Checks over a directory in which things happened.

#[cfg(test)]
mod given;

#[cfg(test)]
mod check;
#[cfg(test)]
mod names;
