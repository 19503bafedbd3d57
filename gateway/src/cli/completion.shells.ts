export const shells = ["bash", "zsh", "fish"] as const;

/** What a shell reads to complete `tollgate`: every word is asked of `tollgate __complete`. */
export function completionScript(shell: (typeof shells)[number]): string {
  return scripts[shell].trim();
}

const scripts = {
  // Bash takes : and = for the ends of words, and replaces only what follows.
  bash: `
_tollgate() {
  local line=\${COMP_LINE:0:COMP_POINT} words current before suggestion
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=\${words[\${#words[@]}-1]}
  before=\${current%"\${current##*[:=]}"}
  COMPREPLY=()
  while IFS=$'\\t' read -r suggestion _; do
    if [[ $suggestion == :files ]]; then
      compopt -o default
    else
      COMPREPLY+=("\${suggestion#"$before"}")
    fi
  done < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
}
complete -F _tollgate tollgate`,

  zsh: `
#compdef tollgate
_tollgate() {
  local line word
  local -a suggestions
  for line in "\${(@f)$("$words[1]" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      _files
    elif [[ -n $line ]]; then
      word=\${line%%$'\\t'*}
      suggestions+=("\${word//:/\\\\:}\${\${line#"$word"}/$'\\t'/:}")
    fi
  done
  _describe tollgate suggestions
}
if [[ $funcstack[1] == _tollgate ]]; then _tollgate "$@"; else compdef _tollgate tollgate; fi`,

  fish: `
function __tollgate_complete
  set --local words (commandline --tokens-expanded --cut-at-cursor 2>/dev/null; or commandline --tokenize --cut-at-cursor)
  set --local current (commandline --current-token --cut-at-cursor)
  for line in (tollgate __complete $words[2..] "$current" 2>/dev/null)
    if test "$line" = :files
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete --command tollgate --no-files --arguments '(__tollgate_complete)'`,
};
