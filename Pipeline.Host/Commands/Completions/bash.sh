# Completions of alm for bash: eval "$(alm completions bash)"
_alm() {
  local word=${COMP_WORDS[COMP_CWORD]} found
  COMPREPLY=()
  while IFS= read -r found; do
    # Options are offered where one is begun: a word that is not is a command, a choice, or the name of a file.
    [[ $found == -* && $word != -* || $found == /* || $found != "$word"* ]] || COMPREPLY+=("$found")
  done < <("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)
}
# Where alm has nothing to say, the shell's own: names of files.
complete -o default -F _alm alm
