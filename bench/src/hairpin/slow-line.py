"""A line between two network namespaces that delays and loses packets, where the kernel has no netem.

slow-line.py NAMESPACE NEAR_ADDRESS FAR_ADDRESS DELAY_MS LOSS: one tunnel device stays here with the first
address, the other goes into the namespace with the second (both without prefix); every packet takes
DELAY_MS each way and is lost with the probability LOSS. Prints `ready`.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
MAX_WAITING = 10_000


def tunnel(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def ip(*words: str) -> None:
    subprocess.run(["/usr/sbin/ip", *words], check=True)


def main(namespace: str, near: str, far: str, delay_ms: str, loss: str) -> None:
    delay, lost = float(delay_ms) / 1000, float(loss)
    ends = [tunnel("slow0"), tunnel("slow1")]
    ip("link", "set", "slow1", "netns", namespace)
    ip("address", "add", near, "peer", far, "dev", "slow0")
    ip("link", "set", "slow0", "up")
    ip("-n", namespace, "address", "add", far, "peer", near, "dev", "slow1")
    ip("-n", namespace, "link", "set", "slow1", "up")
    print("ready", flush=True)
    chance = random.Random(1)
    waiting: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, end, packet = heapq.heappop(waiting)
            os.write(end, packet)
        timeout = max(0.0, waiting[0][0] - now) if waiting else None
        for end in select.select(ends, [], [], timeout)[0]:
            packet = os.read(end, 65536)
            if chance.random() < lost or len(waiting) >= MAX_WAITING:
                continue
            count += 1
            other = ends[1] if end == ends[0] else ends[0]
            heapq.heappush(waiting, (time.monotonic() + delay, count, other, packet))


main(*sys.argv[1:6])
