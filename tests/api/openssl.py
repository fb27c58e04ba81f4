# SPDX-License-Identifier: GPL-3.0-or-later
"""What Python's ssl module can't do to a server: keys updated again and again (RFC 8446 section 4.6.3), a second handshake (RFC 5746)."""

import ctypes
import socket
import struct

SET_MAX_PROTO_VERSION, TLS_1_2 = 124, 0x0303
UPDATE_NOT_REQUESTED, UPDATE_REQUESTED = 0, 1


def load():
    library = ctypes.CDLL("libssl.so.3")
    for name, result, arguments in (
            ("TLS_client_method", "P", ""), ("SSL_CTX_new", "P", "P"), ("SSL_CTX_ctrl", "l", "PilP"), ("SSL_CTX_free", None, "P"), ("SSL_new", "P", "P"), ("SSL_set_fd", "i", "Pi"),
            ("SSL_connect", "i", "P"), ("SSL_write", "i", "Pzi"), ("SSL_read", "i", "PPi"), ("SSL_key_update", "i", "Pi"), ("SSL_do_handshake", "i", "P"), ("SSL_renegotiate", "i", "P"),
            ("SSL_free", None, "P")):
        kinds = {"P": ctypes.c_void_p, "i": ctypes.c_int, "l": ctypes.c_long, "z": ctypes.c_char_p}
        function = getattr(library, name)
        function.restype, function.argtypes = kinds.get(result), [kinds[letter] for letter in arguments]
    return library


class Tls:
    """A blocking connection to that port of this computer; whatever it waits for, it waits 20 s at most."""

    library = None

    def __init__(self, port, highest=None):
        Tls.library = Tls.library or load()
        self.socket = socket.create_connection(("127.0.0.1", port))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.socket.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", 20, 0))
        self.context = self.library.SSL_CTX_new(self.library.TLS_client_method())
        if highest:
            self.library.SSL_CTX_ctrl(self.context, SET_MAX_PROTO_VERSION, highest, None)
        self.ssl = self.library.SSL_new(self.context)
        self.library.SSL_set_fd(self.ssl, self.socket.fileno())
        if self.library.SSL_connect(self.ssl) != 1:
            raise ConnectionError("no TLS")

    def sendall(self, data):
        if data and self.library.SSL_write(self.ssl, data, len(data)) != len(data):
            raise ConnectionError("the connection ended")

    def recv(self, size):
        """b"": it ended, however."""
        buffer = ctypes.create_string_buffer(size)
        got = self.library.SSL_read(self.ssl, buffer, size)
        return buffer.raw[:max(0, got)]

    def update_keys(self, kind=UPDATE_NOT_REQUESTED):
        """False: the connection has ended."""
        return self.library.SSL_key_update(self.ssl, kind) == 1 and self.library.SSL_do_handshake(self.ssl) == 1

    def renegotiate(self):
        """True: there was a second handshake."""
        return self.library.SSL_renegotiate(self.ssl) == 1 and self.library.SSL_do_handshake(self.ssl) == 1

    def close(self):
        self.library.SSL_free(self.ssl)
        self.library.SSL_CTX_free(self.context)
        self.socket.close()
