//! Words of which the invented catalogue is made: no real company, no real product.

/// First halves of company names.
pub(super) const COMPANY_STEMS: &[&str] = &[
    "Quillmoor",
    "Brindlefen",
    "Ostravik",
    "Lumenhaze",
    "Tarnwick",
    "Velderoth",
    "Kestrelyn",
    "Ångvik",
    "Mirrabeau",
    "Noxterra",
    "Pellworth",
    "Sundrift",
    "Wexhollow",
    "Yarrowgate",
    "Zephyrine",
    "Coppersley",
    "Dunmarrow",
    "Elderquay",
    "Fjällmark",
    "Glimmerode",
    "Hathersedge",
    "Islewarden",
    "Junoxel",
    "Larkensund",
    "Mossgrave",
];

/// Second halves of company names; markup characters and letters beyond ASCII are meant.
pub(super) const COMPANY_ENDS: &[&str] = &[
    "Lighting Co., Ltd.",
    "& Sons Devices",
    "Smart Home GmbH",
    "Électronique SARL",
    "Technology (Nordhavn) Limited",
    "IoT Holdings, Inc.",
    "Lysverk AS",
    "Domótica S.A.",
];

/// What comes before the noun of a model.
pub(super) const MODEL_STEMS: &[&str] = &[
    "Wi-Fi", "Thread", "Mini", "Slim", "Smart", "Outdoor", "Dual", "Ceiling", "Pocket", "Studio",
    "Garden", "Aurora", "Nimbus", "Tide", "Ember", "Halo", "\"Loft\"", "Café",
];

/// A kind of device: name, Matter device type id, nouns of its models, application categories.
pub(super) struct DeviceKind {
    pub(super) name: &'static str,
    pub(super) id: u32,
    pub(super) noun: &'static str,
    pub(super) categories: &'static [&'static str],
}

/// Kinds of devices with the ids of the Matter device library.
pub(super) const DEVICE_KINDS: &[DeviceKind] = &[
    kind("On/Off Light", 0x0100, "Lamp", &["Lighting"]),
    kind("Dimmable Light", 0x0101, "Dimmer Bulb", &["Lighting"]),
    kind(
        "Color Temperature Light",
        0x010c,
        "White Spot",
        &["Lighting", "Human Centric Lighting"],
    ),
    kind(
        "Extended Color Light",
        0x010d,
        "Colour Strip",
        &["Lighting", "Entertainment"],
    ),
    kind(
        "On/Off Plug-in Unit",
        0x010a,
        "Plug",
        &["Smart Home", "Energy Management"],
    ),
    kind(
        "Dimmable Plug-In Unit",
        0x010b,
        "Dimmer Plug",
        &["Smart Home", "Lighting"],
    ),
    kind(
        "Thermostat",
        0x0301,
        "Thermostat",
        &["HVAC", "Energy Management", "Smart Home"],
    ),
    kind("Door Lock", 0x000a, "Lock", &["Security & Safety"]),
    kind(
        "Window Covering",
        0x0202,
        "Blind Motor",
        &["Shades & Blinds", "Smart Home"],
    ),
    kind(
        "Contact Sensor",
        0x0015,
        "Contact Sensor",
        &["Security & Safety", "Sensors"],
    ),
    kind(
        "Temperature Sensor",
        0x0302,
        "Climate Sensor",
        &["Sensors", "HVAC"],
    ),
    kind("Occupancy Sensor", 0x0107, "Motion Sensor", &["Sensors"]),
    kind(
        "Smoke CO Alarm",
        0x0076,
        "Smoke Alarm",
        &["Security & Safety", "Sensors"],
    ),
    kind("Basic Video Player", 0x0028, "Screen", &["Entertainment"]),
    kind("Aggregator", 0x000e, "Bridge", &["Smart Home", "Gateway"]),
    kind("Refrigerator", 0x0070, "Fridge", &["Appliances"]),
    kind(
        "Robotic Vacuum Cleaner",
        0x0074,
        "Sweeper",
        &["Appliances", "Smart Home"],
    ),
    kind("Generic Switch", 0x000f, "Button", &[]),
];

/// Ways a device talks.
pub(super) const TRANSPORTS: &[&str] = &[
    "Wi-Fi",
    "Thread",
    "Ethernet",
    "Wi-Fi, Bluetooth LE",
    "Thread, Bluetooth LE",
    "Ethernet, Wi-Fi",
];

/// Versions of the Matter specification.
pub(super) const SPECIFICATIONS: &[&str] = &["1.0", "1.1", "1.2", "1.3", "1.4", "1.4.1"];

const fn kind(
    name: &'static str,
    id: u32,
    noun: &'static str,
    categories: &'static [&'static str],
) -> DeviceKind {
    DeviceKind {
        name,
        id,
        noun,
        categories,
    }
}
