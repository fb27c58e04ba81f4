#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes noise-vectors.h: two whole handshakes, computed from the whitepaper by an implementation that shares nothing with
daemon/proto (Python's hashlib, X25519 of RFC 7748 and ChaCha20-Poly1305 of RFC 8439 written out). Run by hand; the header is
checked in."""
import hashlib
import hmac
import struct

P = 2**255 - 19


def x25519(k, u):
    k = bytearray(k)
    k[0] &= 248
    k[31] = (k[31] & 127) | 64
    k = int.from_bytes(k, 'little')
    u = int.from_bytes(u, 'little') % 2**255
    x1, x2, z2, x3, z3, swap = u, 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        e = aa - bb
        x3, z3 = (da + cb)**2 % P, x1 * (da - cb)**2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, 'little')


def public(k):
    return x25519(k, (9).to_bytes(32, 'little'))


def chacha_block(key, counter, nonce):
    s = list(struct.unpack('<16I', b'expand 32-byte k' + key + struct.pack('<I', counter) + nonce))
    x = list(s)

    def rot(v, n):
        return (v << n | v >> (32 - n)) & 0xffffffff

    def qr(a, b, c, d):
        for (i, j, k, n) in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[i] = (x[i] + x[j]) & 0xffffffff
            x[k] = rot(x[k] ^ x[i], n)
    for _ in range(10):
        for i in range(4):
            qr(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            qr(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack('<16I', *((a + b) & 0xffffffff for a, b in zip(s, x)))


def seal(key, counter, text, ad):
    nonce = bytes(4) + struct.pack('<Q', counter)
    stream = b''.join(chacha_block(key, 1 + i, nonce) for i in range(len(text) // 64 + 1))
    out = bytes(a ^ b for a, b in zip(text, stream))
    otk = chacha_block(key, 0, nonce)[:32]

    def pad(b):
        return b + bytes(-len(b) % 16)
    data = pad(ad) + pad(out) + struct.pack('<QQ', len(ad), len(out))
    r = int.from_bytes(otk[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
    acc = 0
    for i in range(0, len(data), 16):
        acc = (acc + int.from_bytes(data[i:i + 16] + b'\x01', 'little')) * r % (2**130 - 5)
    return out + ((acc + int.from_bytes(otk[16:], 'little')) % 2**128).to_bytes(16, 'little')


def hash_(*parts):
    return hashlib.blake2s(b''.join(parts)).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def kdf(n, key, data):
    prk = hmac.new(key, data, hashlib.blake2s).digest()
    outs, last = [], b''
    for i in range(n):
        last = hmac.new(prk, last + bytes([i + 1]), hashlib.blake2s).digest()
        outs.append(last)
    return outs if n > 1 else outs[0]


def handshake(name, psk):
    def secret(what):
        return hash_(b'edgeway test vector ', name.encode(), what.encode())
    si, sr, ei, er = secret('Si'), secret('Sr'), secret('Ei'), secret('Er')
    timestamp = bytes.fromhex('4000000065a1b2c301000000')
    ii, ir = 0x04030201, 0xc0ffee01
    c = hash_(b'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s')
    h = hash_(hash_(c, b'WireGuard v1 zx2c4 Jason@zx2c4.com'), public(sr))
    # section 5.4.2
    c, h = kdf(1, c, public(ei)), hash_(h, public(ei))
    c, k = kdf(2, c, x25519(ei, public(sr)))
    es = seal(k, 0, public(si), h)
    h = hash_(h, es)
    c, k = kdf(2, c, x25519(si, public(sr)))
    et = seal(k, 0, timestamp, h)
    h = hash_(h, et)
    m1 = b'\x01\0\0\0' + struct.pack('<I', ii) + public(ei) + es + et
    m1 += mac(hash_(b'mac1----', public(sr)), m1) + bytes(16)
    # section 5.4.3
    c, h = kdf(1, c, public(er)), hash_(h, public(er))
    c = kdf(1, c, x25519(er, public(ei)))
    c = kdf(1, c, x25519(er, public(si)))
    c, tau, k = kdf(3, c, psk)
    h = hash_(h, tau)
    en = seal(k, 0, b'', h)
    m2 = b'\x02\0\0\0' + struct.pack('<II', ir, ii) + public(er) + en
    m2 += mac(hash_(b'mac1----', public(si)), m2) + bytes(16)
    # sections 5.4.5 and 5.4.6
    ti, tr = kdf(2, c, b'')
    packet = b'sixteen bytes ok' * 2
    data = b'\x04\0\0\0' + struct.pack('<IQ', ir, 7) + seal(ti, 7, packet, b'')
    fields = (si, sr, ei, er, psk, timestamp, m1, m2, ti, tr, data)
    print('  { %s },' % ',\n    '.join('"%s"' % f.hex() for f in fields))


print('''/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Made by make-noise-vectors.py. The indices are 0x04030201 (initiator) and 0xc0ffee01 (responder); data is message 7 of the
 * initiator, "sixteen bytes ok" twice. */
static const struct
{
  const char *initiator_private, *responder_private, *initiator_ephemeral, *responder_ephemeral, *preshared, *timestamp,
    *initiation, *response, *initiator_sends, *responder_sends, *data;
} noise_vectors[] = {''')
handshake('without', bytes(32))
handshake('with', hash_(b'edgeway preshared'))
print('};')
