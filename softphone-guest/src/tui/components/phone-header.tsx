import { Box, Text } from 'ink';
import type { ReactNode } from 'react';
import type { AccountInfo, EngineInfo, ModeInfo } from '../../control/schemas.ts';
import { printable } from '@offhook/common/printable';
import { texts } from '../texts.ts';
import { signs, type Theme } from '../theme.ts';

const MOST_ACCOUNTS = 3;

/** Lines and engine: whether calls can come and go. */
export function PhoneHeader(props: {
  accounts: readonly AccountInfo[];
  engine: EngineInfo | undefined;
  handset: ModeInfo;
  theme: Theme;
}): ReactNode {
  const { accounts, engine, handset, theme } = props;
  return (
    <Box flexDirection="column">
      {accounts.length === 0 && <Text>{texts.noAccounts}</Text>}
      {accounts.slice(0, MOST_ACCOUNTS).map((account) => (
        <AccountLine key={account.aor} account={account} theme={theme} />
      ))}
      {engine !== undefined && (
        <Text wrap="truncate-end">
          <Coloured colour={engineColour(engine, theme)}>{engineSign(engine)} </Coloured>
          {printable(engine.text)}
        </Text>
      )}
      {engine?.warn === true && engine.locationWarning !== null && (
        <Text wrap="truncate-end">
          <Coloured colour={theme.warning}>{signs.busy} </Coloured>
          {texts.noLocation(engine.locationWarning)}
        </Text>
      )}
      <DeskLine handset={handset} theme={theme} />
    </Box>
  );
}

function DeskLine({ handset, theme }: { handset: ModeInfo; theme: Theme }): ReactNode {
  const { desk, mode } = handset;
  if (desk === null) return null;
  const good = desk.state === 'connected';
  const busy = desk.state === 'connecting';
  return (
    <Text wrap="truncate-end" bold={mode === 'desk'}>
      <Coloured colour={good ? theme.good : busy ? theme.warning : theme.bad}>
        {`${good ? signs.good : busy ? signs.busy : signs.bad} `}
      </Coloured>
      {printable(desk.text)}
      {mode === 'desk' && ` (${texts.inUse})`}
    </Text>
  );
}

function AccountLine({ account, theme }: { account: AccountInfo; theme: Theme }): ReactNode {
  const { state } = account;
  const sign = {
    registered: signs.good,
    registering: signs.busy,
    unregistered: signs.off,
    failed: signs.bad,
  };
  const colour = {
    registered: theme.good,
    registering: theme.warning,
    unregistered: undefined,
    failed: theme.bad,
  };
  const why = state === 'failed' && account.reason !== null ? `: ${printable(account.reason)}` : '';
  return (
    <Text wrap="truncate-end">
      <Coloured colour={colour[state]}>{sign[state]} </Coloured>
      <Text bold>{printable(account.aor.replace(/^sips?:/i, ''))}</Text> {texts.accountState[state]}
      {why}
    </Text>
  );
}

function engineSign(engine: EngineInfo): string {
  if (engine.state === 'connected') return engine.worker === 'up' ? signs.good : signs.busy;
  return engine.state === 'connecting' ? signs.busy : signs.bad;
}

function engineColour(engine: EngineInfo, theme: Theme): string | undefined {
  if (engine.state === 'connected' && engine.worker === 'up') return theme.good;
  return engine.state === 'disconnected' ? theme.bad : theme.warning;
}

/** ink's `color` cannot be undefined under exactOptionalPropertyTypes. */
export function Coloured(props: { colour: string | undefined; children: ReactNode }): ReactNode {
  const { colour, children } = props;
  return colour === undefined ? <Text>{children}</Text> : <Text color={colour}>{children}</Text>;
}
