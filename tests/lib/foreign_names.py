# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand names outside the mesh, of every kind that a LAN's resolver may be asked for, and what dnsmasq needs to serve
them. The mesh must not change the answer to any."""

COUNT = 1000
ADDRESS, ADDRESS6 = "198.18.%d.%d", "2001:db8:f:%x::%x"
# Names served here and below: everything else of them doesn't exist.
TOPS = ("com", "org", "net", "example", "internal", "internalx", "arpa", "corp", "home", "lan", "local-zone", "xn--p1ai")


def kinds(suffix, search):
    """(name, records) by kind; a kind repeats with its number. records: dnsmasq options, "" where the name doesn't exist."""
    label = suffix.split(".", 1)[0]
    label63 = "l" * 63
    return (
        ("a{n}.example.com", "A"),
        ("aaaa{n}.example.com", "AAAA"),
        ("both{n}.example.org", "A AAAA"),
        ("many{n}.example.net", "A A A AAAA"),
        ("alias{n}.example.com", "CNAME both{n}.example.org"),
        ("chain{n}.example.com", "CNAME alias{n}.example.com"),
        ("text{n}.example.net", "TXT"),  # the name exists without an address: NODATA
        ("nothing{n}.example.com", ""),
        ("host{n}", f"A host{{n}}.{search}"),  # one label, through the LAN's search domain
        ("host{n}." + search, ""),
        (f"{label63}.{label63}.{label63}.n{{n}}.example.com", "A"),
        ("bücher{n}.example.org", "A AAAA"),  # as it goes over the wire: see wire_form()
        ("UPPER{n}.Example.COM", "A"),
        (f"nas{{n}}.x{suffix}", "A"),  # ends like the mesh's zone, but isn't below it
        (f"nas{{n}}.{label}x.internal", "A"),
        (f"{label}{{n}}.internal", "A"),  # beside the mesh's zone
        (f"{suffix}.n{{n}}.example.com", "A AAAA"),  # the mesh's zone within another one
        (f"nas{{n}}.{suffix}x", ""),
        ("_ldap._tcp.n{n}.corp", "A"),
        ("under_score{n}.example.com", "A"),
        ("dot{n}.example.com.", "A"),
        ("n{n}.xn--p1ai", "AAAA"),
        ("printer{n}.home", "A"),
        ("gone{n}.home", ""),
    )


def wire_form(kind, number):
    """The name of that kind and number, in ASCII."""
    return kind.format(n=number).encode("idna").decode() if "ü" in kind else kind.format(n=number)


TAKEN = "printer"  # a computer of the LAN; a mesh may have a name like it
SINGLE = ("localhost", "internal", "nosuchlabel", TAKEN)


def names(suffix, search):
    """All of them, in an order that is the same each time."""
    every = kinds(suffix, search)
    numbered = (wire_form(kind, number) for number in range(COUNT) for kind, _ in every)
    return [*SINGLE, *(name for name, _ in zip(numbered, range(COUNT - len(SINGLE))))]


def write_zone(folder, suffix, search):
    """What dnsmasq serves: (hosts file, configuration file)."""
    hosts, options = [f"198.18.255.1 {TAKEN}.{search}"], [f"local=/{top}/" for top in TOPS]
    for index, (kind, records) in enumerate(kinds(suffix, search)):
        for number in range(COUNT // len(kinds(suffix, search)) + 1):
            name, words = wire_form(kind, number).rstrip("."), records.format(n=number).split()
            if words[-1:] and "." in words[-1]:  # another name's record
                *words, target = words
                if words == ["CNAME"]:
                    options.append(f"cname={name},{target}")
                    continue
                name = target
            for turn, word in enumerate(words):
                if word == "A":
                    hosts.append(f"{ADDRESS % (index * 4 + turn, number)} {name}")
                elif word == "AAAA":
                    hosts.append(f"{ADDRESS6 % (index, turn * 256 + number)} {name}")
                elif word == "TXT":
                    options.append(f"txt-record={name},a text")
    paths = f"{folder}/foreign.hosts", f"{folder}/foreign.conf"
    for path, lines in zip(paths, (hosts, options)):
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")
    return paths
