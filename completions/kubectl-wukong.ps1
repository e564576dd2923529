# PowerShell completion: kubectl-wukong completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName 'kubectl-wukong' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    # The words up to the cursor, without quotes; behind a space the last one is empty.
    $words = @()
    $begun = $false
    foreach ($element in @($commandAst.CommandElements | Select-Object -Skip 1)) {
        $length = $cursorPosition - $element.Extent.StartOffset
        if ($length -le 0) { break }
        $text = $element.Extent.Text
        $begun = $length -le $text.Length
        if ($begun) { $text = $text.Substring(0, $length) }
        $words += $text.Trim([char[]]'''"')
    }
    if (-not $begun) {
        # Before 7.3 PowerShell drops an argument that is empty, unless it is given its quotes.
        $passing = Get-Variable -Name PSNativeCommandArgumentPassing -ValueOnly -ErrorAction Ignore
        $words += if (-not $passing -or "$passing" -eq 'Legacy') { '""' } else { '' }
    }
    $lines = @(& kubectl-wukong __complete @words 2>$null)
    $candidates = @($lines | Where-Object { $_ -notmatch '^:' } | ForEach-Object {
        $name, $help = $_ -split "`t", 2
        if (-not $help) { $help = $name }
        $text = $name
        if ($name -notmatch '^[\w./:=+-][\w./:=+@-]*$') { $text = "'" + $name.Replace("'", "''") + "'" }
        [System.Management.Automation.CompletionResult]::new($text, $name, 'ParameterValue', $help)
    })
    $candidates
    # Without a word of ours PowerShell offers files, which are meant with :0 only; an empty one keeps it from that.
    if ($candidates.Count -eq 0 -and $lines -notcontains ':0') { '' }
}
