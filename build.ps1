#Requires -Version 5.1
<#
.SYNOPSIS
    Builds the offline installers on a Windows machine that has nothing but Python 3.11 or newer.
.DESCRIPTION
    Makes an environment in .venv, installs the builder into it, and runs
    python -m builder with the arguments given here. Ends with its exit code.
.EXAMPLE
    .\build.ps1 --cuda cu124 cu118
#>
$ErrorActionPreference = 'Stop'
$python = Join-Path $PSScriptRoot '.venv\Scripts\python.exe'

if (-not (Test-Path $python)) {
    $base = if (Get-Command py -ErrorAction SilentlyContinue) { 'py' } else { 'python' }
    & $base -m venv (Join-Path $PSScriptRoot '.venv')
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}
& $python -m pip install --quiet --disable-pip-version-check --editable $PSScriptRoot
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
& $python -m builder @args
exit $LASTEXITCODE
