# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server whose zone is a file that may change at any time: `zone_server.py ADDRESS FILE`. Lines of FILE: NAME ADDRESS, either family. All other
names don't exist. No answer is to be kept."""
import ipaddress
import socket
import struct
import sys


def read_name(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    return b".".join(labels).decode().lower(), at + 1


def answer(query, path):
    name, end = read_name(query)
    kind, = struct.unpack_from(">H", query, end)
    with open(path) as file:
        zone = [line.split() for line in file if line.strip()]
    known = [ipaddress.ip_address(address) for owner, address in zone if owner == name]
    found = [ip.packed for ip in known if kind == (1 if ip.version == 4 else 28)]
    records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(packed)) + packed for packed in found)
    return query[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else 3), 1, len(found), 0, 0) + query[12:end + 4] + records


def main(address, path):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, asker = server.recvfrom(4096)
        server.sendto(answer(query, path), asker)


if __name__ == "__main__":
    main(*sys.argv[1:])
