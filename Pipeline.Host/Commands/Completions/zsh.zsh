# Completions of alm for zsh: eval "$(alm completions zsh)", after compinit
_alm() {
  local -a found
  found=("${(@f)$("${words[1]}" "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
  # Options are offered where one is begun: a word that is not is a command, a choice, or the name of a file.
  found=("${(@)found:#/*}")
  [[ $PREFIX == -* ]] || found=("${(@)found:#-*}")
  found=("${(@M)found:#${PREFIX}?*}")
  if (( $#found )); then compadd -- "${found[@]}"; else _files; fi
}
compdef _alm alm
