@echo off
rem A command prompt in which python is that of $product $version ($variant).
setlocal DisableDelayedExpansion
if not exist "%~dp0.venv\Scripts\python.exe" (
    echo %~nx0: there is no environment beside it; install with $installer first. 1>&2
    exit /b 1
)
set "PYTHONHOME="
set "PYTHONPATH="
set "VIRTUAL_ENV=%~dp0.venv"
set "PATH=%VIRTUAL_ENV%\Scripts;%PATH%"
cmd.exe /k title $product $version ($variant)
