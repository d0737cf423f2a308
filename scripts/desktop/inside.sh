#!/bin/sh
# Inside the virtual desktop, as a unit of its systemd: what the README tells the reader to do there.
# Its words go to the second serial port, where the host reads them.
set -eu
export LC_ALL=C.UTF-8

say() { echo "ok      $*"; }
fail() { echo "FAILED  $*"; exit 1; }
has() { printf '%s\n' "$1" | grep -q -- "$2" || fail "no \"$2\" in: $1"; }
within() { # SECONDS WHAT COMMAND…: again and again, until it is content
  seconds=$1 what=$2; shift 2
  for _ in $(seq "$seconds"); do
    "$@" >/tmp/last 2>&1 && return
    sleep 1
  done
  cat /tmp/last; tr -d '\0' </dev/vcs1 | fold -w 80; journalctl --no-pager -n 60 -p info; fail "$what"
}
person() { # COMMAND…: as the person whose desktop this is
  runuser -u ada -- env HOME=/home/ada XDG_RUNTIME_DIR=/run/user/1000 \
    DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus "$@"
}
# Content only when every line is ok: that the daemon does not run yet is a warning.
doctor() { person offhook doctor >/tmp/doctor 2>&1 && cat /tmp/doctor && ! grep -qv '^ok' /tmp/doctor; }
# What is on the screen of the desktop (vcs(4)).
shown() { tr -d '\0' </dev/vcs1 | grep -q "$1"; }
ended() { ! person offhook calls --json | grep -q '"state"'; }
parameter() { sed -n "s/.*offhook\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

within 120 'the session of the person' test -S /run/user/1000/bus
within 120 'the port helper' systemctl is-active offhook-port-helper
say 'udev found the port, and systemd started the port helper'
has "$(stat -L -c '%G %a' /dev/virtio-ports/org.offhook.engine.0)" '^offhook-port 660$'
has "$(stat -c '%U %G' /run/offhook)" '^offhook-port offhook$'
say 'the port is that of the helper, and its socket that of the group'

parameter password | person offhook setup --password-file - --address "sip:$(parameter user)@$(parameter pbx)" >/tmp/setup 2>&1 ||
  { cat /tmp/setup; fail 'offhook setup'; }
has "$(cat /tmp/setup)" 'registered'
say 'offhook setup found the PBX and registered'

person systemctl --user enable --now offhook >/tmp/enable 2>&1 || { cat /tmp/enable; fail 'enable offhook'; }
within 180 'offhook doctor' doctor
cat /tmp/last
say 'offhook doctor: every line ok'

systemctl start getty@tty1
person offhook dial --wait 120 600 || fail 'offhook dial'
within 300 'the call on the screen' shown 600
say 'in a call, which the screen of the desktop shows'
within 300 'the call to end at the thin client' ended
say 'the call ended at the thin client, and the phone knows'

person systemctl --user kill --signal KILL offhook
systemctl kill --signal KILL offhook-port-helper
within 180 'phone and port helper to come back' doctor
say 'phone and port helper come back when they are killed'

person systemctl --user enable --now offhook-engine 2>/tmp/enable || { cat /tmp/enable; fail 'enable offhook-engine'; }
within 60 'the engine' person offhook-engine status
say 'the unit of the engine starts one'

mkdir -p /etc/offhook-cti
echo none >/etc/offhook-cti/secret
cat >/etc/offhook-cti/config.toml <<'TOML'
[[pbx]]
kind = "asterisk"
name = "nobody"
host = "127.0.0.1"
username = "offhook"
secret_file = "/etc/offhook-cti/secret"
context = "phones"
TOML
chown -R offhook-cti /etc/offhook-cti && chmod 600 /etc/offhook-cti/*
systemctl start offhook-cti
within 60 'the CTI bridge' sh -c 'journalctl -u offhook-cti | grep -q ready'
say 'the unit of the CTI bridge starts one'

has "$(systemctl --failed --no-legend | wc -l)" '^0$'
has "$(person systemctl --user --failed --no-legend | wc -l)" '^0$'
say 'no unit has failed'
echo done
