//! What holds for whatever is sent.

use proptest::prelude::*;
use scim::{
    AttrPath, Filter, Mode, Object, Packed, PatchPath, Projection, Value, admit, write_resource,
};

use crate::people::{HR, USER, body, element, filter, rtype};

fn admitted(body: &Object) -> Object {
    admit(&Value::Complex(body.clone()), &rtype(), Mode::Strict).unwrap().object
}

/// Paths to everything that users have.
fn paths() -> Vec<String> {
    let rtype = rtype();
    let mut all = Vec::new();
    for schema in rtype.all_schemas() {
        let prefix = if schema.id == USER { String::new() } else { format!("{}:", schema.id) };
        for attribute in &schema.attributes {
            all.push(format!("{prefix}{}", attribute.name));
            all.extend(
                attribute
                    .sub_attributes
                    .iter()
                    .map(|sub| format!("{prefix}{}.{}", attribute.name, sub.name)),
            );
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Seen to catch an `or` that takes only its first two terms, and an order that `le` reads as `lt`.
    #[test]
    fn r_7644_3_4_2_2_08_a_filter_agrees_with_a_naive_one(naive in filter(), body in body()) {
        let user = admitted(&body);
        let text = naive.text();
        let filter = Filter::parse(&text, &rtype(), Mode::Strict).unwrap();
        prop_assert_eq!(filter.matches(&user), naive.finds(&user), "{} on {:?}", text, &user);
        prop_assert_eq!(filter.matches(&Packed::pack(&user).view()), naive.finds(&user), "{}, packed", text);
    }

    /// Seen to catch an `or` inside an `and` that prints without parentheses.
    #[test]
    fn a_filter_prints_as_what_reads_as_itself(naive in filter()) {
        let filter = Filter::parse(&naive.text(), &rtype(), Mode::Strict).unwrap();
        for mode in [Mode::Strict, Mode::Lenient, Mode::Interop] {
            prop_assert_eq!(&Filter::parse(&filter.to_string(), &rtype(), mode).unwrap(), &filter);
        }
    }

    #[test]
    fn a_patch_path_prints_as_what_reads_as_itself((of, inner) in element(), sub in any::<bool>()) {
        let sub = if sub { ".value" } else { "" };
        let path = PatchPath::parse(&format!("{}[{}]{sub}", of.text, inner.text()), &rtype(), Mode::Strict).unwrap();
        prop_assert_eq!(PatchPath::parse(&path.to_string(), &rtype(), Mode::Strict).unwrap(), path);
    }

    /// Seen to catch a rendering without the extensions, and one that leaves the first element of a list out.
    #[test]
    fn r_7643_2_5_01_what_was_rendered_is_admitted_as_it_is(body in body()) {
        let user = admitted(&body);
        let mut text = Vec::new();
        write_resource(&mut text, &Packed::pack(&user), &rtype(), &Projection::Default);
        let mut again = Value::parse(&text).unwrap().as_complex().unwrap().clone();
        // A body that names an extension need not have it, so what is compared is what is assigned.
        again.set("schemas", vec![Value::from(USER), Value::from(HR)]);
        let again = admitted(&again);
        prop_assert!(Value::Complex(again.clone()).is_same(&Value::Complex(user.clone())), "{:?} {:?}", again, user);
    }

    /// Seen to catch whole numbers that are packed without their sign.
    #[test]
    fn a_packed_resource_unpacks_as_it_was(body in body()) {
        let user = admitted(&body);
        let packed = Packed::pack(&user);
        prop_assert_eq!(packed.unpack(), user.clone());
        prop_assert_eq!(Packed::from_bytes(packed.as_bytes().into()).unwrap().unpack(), user);
    }
}

#[test]
fn r_7644_3_4_2_2_03_every_path_prints_as_what_reads_as_itself() {
    for text in paths() {
        let path = AttrPath::parse(&text, &rtype(), Mode::Strict).unwrap();
        assert_eq!(path.to_string(), text);
        assert_eq!(AttrPath::parse(&text.to_uppercase(), &rtype(), Mode::Strict).unwrap(), path);
        let path = PatchPath::parse(&text, &rtype(), Mode::Strict).unwrap();
        assert_eq!(path.to_string(), text);
        assert_eq!(PatchPath::parse(&text.to_uppercase(), &rtype(), Mode::Strict).unwrap(), path);
    }
}
