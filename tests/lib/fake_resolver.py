# SPDX-License-Identifier: GPL-3.0-or-later
"""A resolver that misbehaves as its names say, for a machine of a test: `python3 fake_resolver.py ADDRESS LOG`.

The labels of a name say what is answered: hang (nothing), servfail, trunc (TC by UDP, an address by TCP), many (more than UDP carries);
else 192.0.2.9. Each question is a line of LOG: name, in its own case, type number, udp or tcp, and who asked."""
import socket
import struct
import sys
import threading


def read_name(data):
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]])
        at += 1 + data[at]
    return b".".join(labels).decode(), at + 1


def answer(query, how, peer, log):
    name, end = read_name(query)
    kind, = struct.unpack_from(">H", query, end)
    print(name, kind, how, peer, file=log, flush=True)
    labels = name.lower().split(".")
    if "hang" in labels:
        return None
    code, records, cut = 2 if "servfail" in labels else 0, b"", "trunc" in labels and how == "udp"
    count = 0 if code or cut or kind != 1 else 100 if "many" in labels else 1
    for number in range(count):
        records += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 9 + number])
    if count > 1 and how == "udp":
        count, records, cut = 0, b"", True
    flags = 0x8180 | code | (0x200 if cut else 0)
    return query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + query[12:end + 4] + records


def serve_tcp(address, log):
    listener = socket.create_server((address, 53))

    def talk(caller, peer):
        with caller:
            while len(head := caller.recv(2)) == 2:
                reply = answer(caller.recv(struct.unpack(">H", head)[0]), "tcp", peer[0], log)
                if reply:
                    caller.sendall(struct.pack(">H", len(reply)) + reply)
    while True:
        threading.Thread(target=talk, args=listener.accept(), daemon=True).start()


def main(address, path):
    log = open(path, "a")
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, 53))
    threading.Thread(target=serve_tcp, args=(address, log), daemon=True).start()
    while True:
        query, peer = udp.recvfrom(4096)
        reply = answer(query, "udp", peer[0], log)
        if reply:
            udp.sendto(reply, peer)


if __name__ == "__main__":
    main(*sys.argv[1:])
