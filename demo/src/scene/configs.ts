/** The daemons' configuration files in the demo: all on the loopback address, nothing fixed. */

export interface PhoneConfig {
  readonly pbx: string;
  readonly user: string;
  readonly password: string;
  readonly engineSocket: string;
}

export function phoneToml({ pbx, user, password, engineSocket }: PhoneConfig): string {
  return `[sip]
listen = ["udp:127.0.0.1:0"]

[[account]]
aor = "sip:${user}@${pbx}"
display_name = "${user[0]?.toUpperCase()}${user.slice(1)}"
password = "${password}"

[engine]
channel = "unix:${engineSocket}"
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
