//! How Acme is organised: departments with their jobs, offices with their phones and locales.

/// A part of the company. Each is also a group of the same name.
pub(crate) struct Department {
    pub(crate) name: &'static str,
    /// How many of 100 people work here.
    pub(crate) share: u64,
    pub(crate) head: &'static str,
    pub(crate) lead: &'static str,
    pub(crate) jobs: &'static [&'static str],
}

/// A place people work at. Each is also a group.
pub(crate) struct Office {
    pub(crate) city: &'static str,
    pub(crate) locale: &'static str,
    /// What a phone number starts with.
    pub(crate) phone: &'static str,
    /// Digits after it.
    pub(crate) digits: usize,
    /// How many of 100 people work here.
    pub(crate) share: u64,
}

/// Everybody's group.
pub(crate) const ALL_STAFF: &str = "All Staff";
/// The group of those who lead others.
pub(crate) const MANAGERS: &str = "Managers";
/// The department of the first person.
pub(crate) const EXECUTIVE: &str = "Executive";
/// The department that administers.
pub(crate) const IT: &str = "IT";

/// The role whose holders administer.
pub(crate) const ADMIN: &str = "Admin";
/// The role whose holders build reports.
pub(crate) const ANALYST: &str = "Analyst";
/// The role whose holders read reports.
pub(crate) const BUSINESS_USER: &str = "Business User";

/// The name of an office's group.
pub(crate) fn office_group(city: &str) -> String {
    format!("Office {city}")
}

/// Every group that is pushed on the first day.
pub(crate) fn first_groups() -> Vec<String> {
    let departments = DEPARTMENTS.iter().map(|department| department.name.to_owned());
    let offices = OFFICES.iter().map(|office| office_group(office.city));
    let everyone = [ALL_STAFF.to_owned(), MANAGERS.to_owned()];
    departments.chain(offices).chain(everyone).collect()
}

/// What is picked with this draw, of things with shares.
pub(crate) fn by_share<T>(things: &[T], share: impl Fn(&T) -> u64, draw: u64) -> Option<&T> {
    let mut left = draw;
    for thing in things {
        let here = share(thing);
        if left < here {
            return Some(thing);
        }
        left -= here;
    }
    things.last()
}

/// Where everybody's phone rings. Boston, London, Berlin and Sydney have number ranges that are
/// set aside for fiction; the rest of a number is drawn.
pub(crate) static OFFICES: &[Office] = &[
    Office { city: "Boston", locale: "en-US", phone: "+1-617-555-01", digits: 2, share: 40 },
    Office { city: "London", locale: "en-GB", phone: "+44-20-7946-0", digits: 3, share: 22 },
    Office { city: "Berlin", locale: "de-DE", phone: "+49-30-23125-", digits: 3, share: 16 },
    Office { city: "Paris", locale: "fr-FR", phone: "+33-1-99-00-", digits: 4, share: 12 },
    Office { city: "Sydney", locale: "en-AU", phone: "+61-2-5550-", digits: 4, share: 10 },
];

/// The departments, the largest first.
pub(crate) static DEPARTMENTS: &[Department] = &[
    Department {
        name: "Engineering",
        share: 27,
        head: "VP Engineering",
        lead: "Engineering Manager",
        jobs: &[
            "Software Engineer",
            "Senior Software Engineer",
            "Site Reliability Engineer",
            "Staff Engineer",
            "Test Engineer",
        ],
    },
    Department {
        name: "Sales Americas",
        share: 11,
        head: "VP Sales Americas",
        lead: "Regional Sales Manager",
        jobs: &["Account Executive", "Sales Development Representative", "Solutions Consultant"],
    },
    Department {
        name: "Sales EMEA",
        share: 10,
        head: "VP Sales EMEA",
        lead: "Regional Sales Manager",
        jobs: &["Account Executive", "Sales Development Representative", "Solutions Consultant"],
    },
    Department {
        name: "Customer Support",
        share: 12,
        head: "Director of Support",
        lead: "Support Team Lead",
        jobs: &["Support Specialist", "Senior Support Specialist", "Support Engineer"],
    },
    Department {
        name: "Product",
        share: 7,
        head: "Chief Product Officer",
        lead: "Group Product Manager",
        jobs: &["Product Manager", "Product Designer", "Technical Writer", "User Researcher"],
    },
    Department {
        name: "Marketing",
        share: 7,
        head: "Chief Marketing Officer",
        lead: "Marketing Manager",
        jobs: &["Content Marketer", "Campaign Specialist", "Brand Designer", "Event Planner"],
    },
    Department {
        name: "Finance",
        share: 6,
        head: "Chief Financial Officer",
        lead: "Finance Manager",
        jobs: &["Staff Accountant", "Financial Analyst", "Payroll Specialist", "Controller"],
    },
    Department {
        name: "Data & Analytics",
        share: 6,
        head: "Head of Data",
        lead: "Analytics Manager",
        jobs: &["Data Analyst", "Data Engineer", "Data Scientist"],
    },
    Department {
        name: IT,
        share: 5,
        head: "Head of IT",
        lead: "IT Manager",
        jobs: &[
            "Systems Administrator",
            "Support Technician",
            "Network Engineer",
            "Identity Engineer",
        ],
    },
    Department {
        name: "Human Resources",
        share: 5,
        head: "Chief People Officer",
        lead: "People Partner Lead",
        jobs: &["People Partner", "Recruiter", "Benefits Specialist"],
    },
    Department {
        name: "Legal",
        share: 3,
        head: "General Counsel",
        lead: "Senior Counsel",
        jobs: &["Counsel", "Paralegal", "Privacy Officer"],
    },
    Department {
        name: EXECUTIVE,
        share: 1,
        head: "Chief Executive Officer",
        lead: "Chief of Staff",
        jobs: &["Executive Assistant", "Strategy Associate"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_a_hundred() {
        assert_eq!(DEPARTMENTS.iter().map(|d| d.share).sum::<u64>(), 100);
        assert_eq!(OFFICES.iter().map(|o| o.share).sum::<u64>(), 100);
    }

    #[test]
    fn a_share_is_found_by_its_draw() {
        let found = |draw| by_share(OFFICES, |o| o.share, draw).map(|o| o.city);
        assert_eq!(found(0), Some("Boston"));
        assert_eq!(found(39), Some("Boston"));
        assert_eq!(found(40), Some("London"));
        assert_eq!(found(99), Some("Sydney"));
    }
}
