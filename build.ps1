#Requires -Version 5.1
<#
.SYNOPSIS
    Builds the offline installers on a Windows machine that has nothing but Python 3.11.
.DESCRIPTION
    Makes an environment in .venv with the builder in it, unless it is there, and runs
    python -m builder with the arguments given here. Ends with its exit code.
    Delete .venv to have it made anew.
.EXAMPLE
    .\build.ps1 --cuda cu124 cu118
#>
$ErrorActionPreference = 'Stop'
$venv = Join-Path $PSScriptRoot '.venv'
$python = Join-Path $venv 'Scripts\python.exe'

if (-not (Test-Path $python)) {
    if (Get-Command py -ErrorAction SilentlyContinue) { & py -3.11 -m venv $venv }
    else { & python -m venv $venv }
    if ($LASTEXITCODE -eq 0) {
        $pinned = Join-Path $PSScriptRoot 'requirements\release.txt'
        & $python -m pip install --quiet --disable-pip-version-check --require-hashes -r $pinned
    }
    if ($LASTEXITCODE -eq 0) {
        & $python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable $PSScriptRoot
    }
    if ($LASTEXITCODE -ne 0) {
        $code = $LASTEXITCODE
        # Half of an environment would be taken for a whole one next time.
        Remove-Item -Recurse -Force $venv -ErrorAction SilentlyContinue
        exit $code
    }
}
& $python -m builder @args
exit $LASTEXITCODE
