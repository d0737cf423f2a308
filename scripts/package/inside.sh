#!/bin/sh
# Inside a minimal Debian: installs the packages in /packages, uses what they bring, and removes them.
set -eu
export DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C.UTF-8 MANPAGER=cat
export XDG_RUNTIME_DIR=/run/user/0

say() { echo "ok      $*"; }
fail() { echo "FAILED  $*"; exit 1; }
has() { printf '%s\n' "$1" | grep -q -- "$2" || fail "no \"$2\" in: $1"; }

! command -v node >/dev/null || fail 'this system has a Node of its own'
! command -v cc >/dev/null || fail 'this system has a compiler'

dpkg -i /packages/*.deb >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; fail 'dpkg -i'; }
say 'the packages install'

has "$(offhook --version)" '^[0-9]'
has "$(offhook-engine --version)" '^[0-9]'
has "$(offhook-cti --version)" '^[0-9]'
say 'the programs start, without a Node of the system'

for page in offhook offhook-engine offhook-cti offhook.toml offhook-engine.toml offhook-cti.toml; do
  text=$(man --warnings "$page" 2>/tmp/man.err) || fail "man $page: $(cat /tmp/man.err)"
  [ ! -s /tmp/man.err ] || fail "man $page: $(cat /tmp/man.err)"
  has "$text" 'SEE ALSO'
done
say 'the manual pages are there'

getent passwd offhook-port >/dev/null || fail 'no user offhook-port'
getent group offhook >/dev/null || fail 'no group offhook'
for unit in offhook-port-helper offhook-cti; do
  systemd-analyze verify --man=no "/usr/lib/systemd/system/$unit.service" 2>>/tmp/verify || cat /tmp/verify
done
! grep -q offhook /tmp/verify || fail "unit: $(cat /tmp/verify)"
say 'user, group and units are there'

mkdir -p -m 700 "$XDG_RUNTIME_DIR" /root/.config/offhook /root/.config/offhook-engine
cat >/root/.config/offhook/config.toml <<'TOML'
[sip]
listen = ["udp:127.0.0.1:0"]
[[account]]
aor = "sip:alice@127.0.0.1"
register = false
TOML
cat >/root/.config/offhook-engine/config.toml <<'TOML'
[rtp]
address = "127.0.0.1"
[audio]
input = "tone:440"
output = "null"
ringer = "null"
TOML

serving=
serves() { # NAME COMMAND…: starts it, and waits for its "ready"
  name=$1; shift
  "$@" >"/tmp/$name.out" 2>"/tmp/$name.log" &
  serving="$serving $!"
  for _ in $(seq 300); do
    ! grep -q '^ready' "/tmp/$name.out" || { say "$name serves"; return; }
    sleep 0.1
  done
  cat "/tmp/$name.log"; fail "$name does not get ready"
}
serves engine offhook-engine run
serves phone offhook daemon

for _ in $(seq 100); do
  offhook doctor >/tmp/doctor 2>&1 && break
  sleep 0.1
done
offhook doctor >/tmp/doctor 2>&1 || { cat /tmp/doctor; fail 'offhook doctor'; }
say 'offhook doctor is content: the phone has found the engine'
offhook-engine doctor >/tmp/doctor 2>&1 || { cat /tmp/doctor; fail 'offhook-engine doctor'; }
say 'offhook-engine doctor is content: a tone went through two calls'

offhook-cti token >/tmp/token 2>/tmp/token.err || fail "offhook-cti token: $(cat /tmp/token.err)"
has "$(cat /tmp/token.err)" 'sha256'
say 'offhook-cti makes a token'

offhook install >/tmp/install 2>&1 && fail 'offhook install over the package' || true
has "$(cat /tmp/install)" 'has installed this already'
say 'offhook install leaves the work to the package'

kill $serving
wait $serving
say 'both end when they are told to'
dpkg --purge offhook-guest offhook-engine offhook-cti offhook-runtime >/tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; fail 'dpkg --purge'; }
left=$(find / -xdev \( -path /proc -o -path /var/cache -o -path /packages -o -path /root -o -path /tmp \) -prune -o -name '*offhook*' -print)
[ -z "$left" ] || fail "left behind: $left"
say 'nothing is left when they are purged'
