/** A command line, as commander has it. */
export interface CompletableCommand {
  name(): string;
  readonly commands: readonly CompletableCommand[];
  readonly options: readonly { readonly long?: string | null | undefined }[];
}

/**
 * A script by which that shell completes the names of commands and options (bash(1), Programmable
 * Completion; zsh by its bashcompinit); files elsewhere.
 */
export function completionScript(program: CompletableCommand, shell: 'bash' | 'zsh'): string {
  const name = program.name();
  const own = `_${name.replaceAll('-', '_')}`;
  const cases = [...paths(program, '')].toSorted((a, b) => b.path.length - a.path.length);
  return `${shell === 'zsh' ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}${own}() {
  local word path=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="$path $word" ;; esac
  done
  case "$path " in
${cases.map(({ path, words }) => `    "${path} "*) word='${words.join(' ')}' ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$word" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F ${own} ${name}
`;
}

function* paths(
  command: CompletableCommand,
  path: string,
  everywhere: readonly string[] = [],
): Generator<{ path: string; words: string[] }> {
  const own = command.options.flatMap(({ long }) => long ?? []);
  const options = [...new Set([...own, '--help', ...everywhere])];
  yield { path, words: [...command.commands.map((one) => one.name()), ...options] };
  for (const one of command.commands) {
    yield* paths(one, `${path} ${one.name()}`, path === '' ? own : everywhere);
  }
}
