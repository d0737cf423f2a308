import {
  phoneInterface,
  PHONE_NAME,
  PHONE_PATH,
} from '../../softphone-guest/src/desktop/phone-interface.ts';

const INTRODUCTION = `# The phone on the session bus

Where the desktop has a D-Bus session bus, \`offhook daemon\` is on it as \`${PHONE_NAME}\` at
\`${PHONE_PATH}\`, so that other programs can dial and see calls:

\`\`\`sh
busctl --user call ${PHONE_NAME} ${PHONE_PATH} ${PHONE_NAME} Dial ss 1000 ""
gdbus monitor --session --dest ${PHONE_NAME}
\`\`\`

- Where a method takes a call, an empty string means the one that is meant: the only one, or the one that rings.
  An empty account is the usual line.
- A call (\`a{sv}\`) has the strings \`id\`, \`account\`, \`direction\`, \`state\`, \`remote\`, \`name\`, \`startedAt\`,
  \`answeredAt\`, \`endReason\` and the booleans \`held\`, \`remoteHeld\`, \`muted\`; the values of \`state\` are those
  of the [control socket](control-api.md#call). An account has \`aor\`, \`state\`, \`reason\`.
- Errors are named \`org.offhook.Error.BadTarget\`, \`….UnknownCall\` and so on, with words for people.
- All programs together may call 50 methods in 5 s; more are refused (\`org.offhook.Error.LimitReached\`).
- A new call comes as \`CallChanged\`, as does everything that becomes of it until \`CallEnded\`.

Players that speak MPRIS and play are paused while a call is up, and only those go on after it. A call that rings is
shown as a notification with Answer and Reject. Each of the three can be switched off
([\`[desktop]\`](configuration.md)). Without a bus the phone works as ever, and says so once in its log; when
another phone has the name, it warns and the rest works.

The bus is the user's: whoever may speak on it may use the phone, as whoever may open the control socket.

This page is made from the interface; run \`npm run docs\` after changing it.
`;

/** docs/dbus.md as it should be. */
export function dbusPage(): string {
  const nobody = new Proxy({}, {}) as Parameters<typeof phoneInterface>[0]['daemon'];
  const { descriptor } = phoneInterface({
    daemon: nobody,
    version: '',
    now: () => 0,
    inCall: () => false,
  });
  const methods = Object.entries(descriptor.methods ?? {}).map(
    ([name, [ins, outs, inNames, outNames]]) =>
      element('method', name, [
        ...argumentsOf(ins, inNames, 'in'),
        ...argumentsOf(outs, outNames, 'out'),
      ]),
  );
  const signals = Object.entries(descriptor.signals ?? {}).map(
    ([name, [signature = '', ...names]]) => element('signal', name, argumentsOf(signature, names)),
  );
  const properties = Object.entries(descriptor.properties ?? {}).map(([name, property]) => {
    const type = typeof property === 'string' ? property : property.type;
    return `  <property name="${name}" type="${type}" access="read"/>`;
  });
  const body = [...methods, ...signals, ...properties].join('\n');
  const xml = `<interface name="${PHONE_NAME}">\n${body}\n</interface>`;
  return `${INTRODUCTION}\n## Introspection\n\n\`\`\`xml\n${xml}\n\`\`\`\n`;
}

function element(kind: string, name: string, inside: readonly string[]): string {
  if (inside.length === 0) return `  <${kind} name="${name}"/>`;
  return [`  <${kind} name="${name}">`, ...inside, `  </${kind}>`].join('\n');
}

function argumentsOf(
  signature: string,
  names: readonly string[],
  direction?: 'in' | 'out',
): readonly string[] {
  const types = signature.match(/a*(?:\{[^}]*\}|[a-z])/g) ?? [];
  const way = direction === undefined ? '' : ` direction="${direction}"`;
  return types.map((type, at) => `    <arg name="${names[at]}" type="${type}"${way}/>`);
}
