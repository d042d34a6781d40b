"""Listens on a notify socket as systemd does and prints each datagram as one line of JSON."""
import json
import os
import socket
import sys

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
print(json.dumps("listening"), flush=True)
while True:
    # systemd-notify also passes a descriptor (BARRIER=1) and waits until it is closed.
    message, descriptors, _, _ = socket.recv_fds(listener, 4096, 8)
    for descriptor in descriptors:
        os.close(descriptor)
    print(json.dumps(message.decode()), flush=True)
