import type { Requirement } from './requirement.ts';

/** What is asked of the sound, of the line to the engine, and of living with others. */
export const mediaRequirements = {
  'media.conference': {
    source: 'RFC 4353 §5.1',
    text: 'Calls are mixed at the thin client: each party hears the others and the microphone, never itself; calls leave, come back and end.',
  },
  'media.recording': {
    source: 'Offhook, docs/recording.md',
    text: 'A recording has each party on its own side, through hold, and neither in a pause; where it is not allowed or cannot be written it is refused, and the call goes on.',
  },
  'media.both-ways': {
    source: 'Offhook',
    text: 'In a call each side hears the other: shown by the tones that arrive.',
  },
  'media.devices': {
    source: 'Offhook',
    text: 'Microphone and loudspeaker are those of the sound server.',
  },
  'media.comfort-noise': {
    source: 'RFC 3389 §4',
    text: 'Comfort noise is offered where it is wanted, and heard at its level while nothing is sent; that is no loss.',
  },
  'media.echo': {
    source: 'ITU-T G.168',
    text: 'What the loudspeaker plays of the far end does not come back to it by the microphone.',
  },
  'media.dtmf-out': {
    source: 'RFC 4733 §2.5',
    text: 'Each digit is sent as one event with its end marked, and told apart from the next.',
  },
  'media.dtmf-in': {
    source: 'RFC 4733 §2.5',
    text: 'Each event of the peer is reported once, however often its packets are repeated.',
  },
  'media.dtmf-info': {
    source: 'RFC 6086, application/dtmf-relay',
    text: 'Digits by INFO are understood and sent.',
  },
  'media.hold-loss': {
    source: 'Offhook, RFC 3550 §6.4.1',
    text: 'A hold and resume counts no packet as lost.',
  },
  'media.latching': {
    source: 'RFC 4961, RFC 7362',
    text: 'Sound goes where the peer really sends from, whatever its description says.',
  },
  'media.junk': {
    source: 'Offhook',
    text: 'Junk, replayed and foreign RTP at the media port is not noticed in the call.',
  },
  'media.srtp': {
    source: 'RFC 4568, RFC 3711',
    text: 'SRTP keyed by SDES is negotiated and really spoken, both ways.',
  },
  'media.srtp-required': {
    source: 'RFC 4568 §7.1.2',
    text: 'A line that requires SRTP refuses a call without it, with 488.',
  },
  'media.nat': {
    source: 'Offhook, docs/media-addresses.md',
    text: 'Signaling from the guest and media from a thin client behind NAT make one call with sound both ways.',
  },
  'engine.none': {
    source: 'Offhook',
    text: 'Without an engine, calls are refused with a reason, and dialling says what is wrong.',
  },
  'engine.version': {
    source: 'Offhook, media-rpc HELLO',
    text: 'An engine of another protocol version is told as such, and calls are refused.',
  },
  'engine.huge-frame': {
    source: 'Offhook, virtual-channel framing',
    text: 'A frame of 100 MB on the channel costs that connection at most; calls go on.',
  },
  'cli.calls': {
    source: 'Offhook, `offhook calls --json`',
    text: 'Scripts place, see and end calls by the command line.',
  },
  'media.dscp': {
    source: 'RFC 2474, RFC 4594 §4.1',
    text: 'RTP and RTCP are marked for expedited forwarding, as they come out at the far end.',
  },
  'help.trace': {
    source: 'Offhook, `offhook trace`, `offhook report`',
    text: 'Support staff get the messages of a call as they were on the wire, without any secret.',
  },
  'help.statistics': {
    source: 'RFC 3611 §4.7, `offhook stats`',
    text: 'The statistics file of a call tells what was sent, received and lost as the far end saw it.',
  },
  'control.hooks': {
    source: 'Offhook, configuration `[[hook]]`',
    text: 'Commands are run for events of real calls, and one that hangs holds nothing up.',
  },
  'cli.doctor': {
    source: 'Offhook, `offhook doctor`',
    text: 'Every layer is checked in turn, the sound of a test call each way too; the broken one is named, with the remedy.',
  },
  'cli.setup': {
    source: 'Offhook, `offhook setup`',
    text: 'An address and a password are enough for a configuration that works; a wrong password is told.',
  },
  'interop.asterisk': {
    source: 'Offhook',
    text: 'Asterisk 22: registers, calls and is called, holds, sends DTMF, over UDP, TCP and TLS.',
  },
  'interop.kamailio': {
    source: 'Offhook',
    text: 'Kamailio as registrar and record-routing proxy.',
  },
  'interop.baresip': { source: 'Offhook', text: 'baresip as far end, sound both ways.' },
  'interop.linphone': { source: 'Offhook', text: 'linphone as far end, sound both ways.' },
  'interop.rtpengine': {
    source: 'Offhook',
    text: 'Kamailio with rtpengine relays the media of a thin client behind NAT.',
  },
} as const satisfies Record<string, Requirement>;
