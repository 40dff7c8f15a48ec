# Completions of alm for PowerShell: alm completions powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName alm -ScriptBlock {
    param($word, $line, $position)
    # Options are offered where one is begun: a word that is not is a command, a choice, or the name of a file.
    & $line.CommandElements[0].Value "[suggest:$position]" $line.ToString().PadRight($position) 2>$null |
        Where-Object { $_ -like "$word*" -and $_ -notlike '/*' -and ($_ -notlike '-*' -or $word -like '-*') } |
        ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
