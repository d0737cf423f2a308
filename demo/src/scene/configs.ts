/** The daemons' configuration files in the demo: all on the loopback address, nothing fixed. */

export interface PhoneConfig {
  readonly pbx: string;
  readonly user: string;
  readonly password: string;
  readonly engineSocket: string;
  readonly desk?: DeskConfig | undefined;
}

/** A desk phone behind a CTI bridge. */
export interface DeskConfig {
  readonly url: string;
  readonly tokenFile: string;
  readonly device: string;
}

export function phoneToml({ pbx, user, password, engineSocket, desk }: PhoneConfig): string {
  return `[sip]
listen = ["udp:127.0.0.1:0"]

[[account]]
aor = "sip:${user}@${pbx}"
display_name = "${user[0]?.toUpperCase()}${user.slice(1)}"
password = "${password}"

[engine]
channel = "unix:${engineSocket}"
${desk === undefined ? '' : deskToml(desk)}`;
}

function deskToml({ url, tokenFile, device }: DeskConfig): string {
  return `
[desk]
url = "${url}"
token_file = "${tokenFile}"
device = "${device}"
soft_number = "softphone"
`;
}

export interface BridgeConfig {
  readonly port: number;
  readonly switchPort: number;
  readonly devices: readonly string[];
  readonly tokenHash: string;
}

export function bridgeToml({ port, switchPort, devices, tokenHash }: BridgeConfig): string {
  return `[listen]
port = ${port}

[[pbx]]
kind = "csta-tcp"
name = "switch"
host = "127.0.0.1"
port = ${switchPort}
devices = ${JSON.stringify(devices)}

[[token]]
name = "the softphone"
sha256 = "${tokenHash}"
devices = ["${devices[0]}"]
scopes = ["monitor", "control"]
`;
}

export interface EngineConfig {
  readonly socket: string;
  readonly input: string;
  readonly output: string;
}

export function engineToml({ socket, input, output }: EngineConfig): string {
  return `[engine]
listen = "unix:${socket}"

[rtp]
address = "127.0.0.1"
ports = "40000-40999"

[audio]
input = "${input}"
output = "${output}"
ringer = "null"
`;
}
