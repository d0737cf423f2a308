"""A remote viewer's sound without its window: spice-gtk's session and audio, for a SPICE server.

spice-client.py HOST PORT: the ticket comes in the environment as TICKET; the audio devices are those of
PulseAudio's environment, the pipelines spice-gtk's own or those of SPICE_GST_AUDIOSINK and _AUDIOSRC.
Prints `ready` when the session stands, and ends when that does.
"""

import os
import sys

import gi

gi.require_version("SpiceClientGLib", "2.0")
from gi.repository import GLib, GObject, SpiceClientGLib  # noqa: E402


def main(host: str, port: str) -> None:
    session = SpiceClientGLib.Session()
    for name, value in (("host", host), ("port", port), ("password", os.environ["TICKET"])):
        session.set_property(name, value)
    session.set_property("enable-audio", True)
    loop = GLib.MainLoop()

    def on_event(_channel, event):
        print(event.value_nick, flush=True)
        if event == SpiceClientGLib.ChannelEvent.OPENED:
            print("ready", flush=True)

    def on_channel(_session, channel):
        # The audio object connects its own two channels; no display is wanted.
        if isinstance(channel, SpiceClientGLib.MainChannel):
            GObject.Object.connect(channel, "channel-event", on_event)
            SpiceClientGLib.Channel.connect(channel)

    GObject.Object.connect(session, "channel-new", on_channel)
    GObject.Object.connect(session, "disconnected", lambda *_: loop.quit())
    audio = SpiceClientGLib.Audio.get(session, None)
    SpiceClientGLib.Session.connect(session)
    loop.run()
    del audio


main(*sys.argv[1:3])
