import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../src/cli/program.ts';

let script = '';
buildProgram({ output: { out: (text) => (script += text), err: () => undefined } }).parse(
  ['completion', 'bash'],
  { from: 'user' },
);

/** What a real bash offers after these words; the last is being typed. */
function offered(...words: readonly string[]): string[] {
  const list = ['offhook', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _offhook; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const answer = execFileSync('bash', ['-c', `${script}\n${ask}`], { encoding: 'utf8' });
  return answer.split('\n').filter(Boolean);
}

describe('completion in bash', () => {
  it('offers commands, their commands, and options', () => {
    expect(offered('acc')).toEqual(['account']);
    expect(offered('contacts', 'imp')).toEqual(['import']);
    expect(offered('contacts', 'favourite', '--o')).toEqual(['--off']);
    expect(offered('history', '--mi')).toEqual(['--missed']);
  });

  it('looks past options, and offers those of all commands everywhere', () => {
    expect(offered('--json', 'contacts', 'exp')).toEqual(['export']);
    expect(offered('contacts', 'add', '--js')).toEqual(['--json']);
  });

  it('leaves other words to files', () => {
    expect(offered('contacts', 'import', '/etc')).toEqual([]);
  });
});
