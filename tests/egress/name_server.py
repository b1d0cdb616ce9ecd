"""A name server on 127.0.0.53 that knows nobody, and prints each name that it is asked for."""

import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.53", 53))
print("ready", flush=True)
while True:
    query, client = server.recvfrom(4096)
    labels, at = [], 12
    while at < len(query) and query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    print(".".join(labels).lower(), flush=True)
    # Its own question, the bit of an answer, and "no such name".
    server.sendto(query[:2] + b"\x81\x83" + query[4:6] + b"\0\0\0\0\0\0" + query[12 : at + 5], client)
