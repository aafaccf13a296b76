@echo off
rem Runs the Python of $product $version ($variant), whatever else is installed.
setlocal DisableDelayedExpansion
if not exist "%~dp0.venv\Scripts\python.exe" (
    echo %~nx0: there is no environment beside it; install with $installer first. 1>&2
    exit /b 1
)
set "PYTHONHOME="
set "PYTHONPATH="
"%~dp0.venv\Scripts\python.exe" %*
exit /b %ERRORLEVEL%
