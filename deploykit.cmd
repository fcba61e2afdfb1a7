@echo off
setlocal EnableExtensions DisableDelayedExpansion
rem The way in on Windows: looks at where it is, before anything can touch a driver, and hands over to Linux in WSL 2.
rem Plain batch: no Python, no PowerShell, nothing is installed, and nothing but the registry is read.
rem Lines must end in CR LF. What is not ASCII stands at the end, reached only under code page 65001.

set "page="
for /f "tokens=2 delims=:." %%a in ('chcp 2^>nul') do set /a "page=%%a" 2>nul
rem Mind the order: in a .cmd file `set` makes errorlevel 0 again.
set "unicode=yes"
chcp 65001 >nul 2>nul
if errorlevel 1 set "unicode="

rem Without quotes: Windows' own folder has no space in its name, and quotes would have to be doubled in every `for`.
set "reg=%SystemRoot%\System32\reg.exe"
set "control=HKLM\SYSTEM\CurrentControlSet\Control"
set "windows=HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"

set "language="
for /f "tokens=2,*" %%a in ('%reg% query "HKCU\Control Panel\International" /v LocaleName 2^>nul') do set "language=%%b"
if defined DEPLOYKIT_LOCALE set "language=%DEPLOYKIT_LOCALE%"
set "chinese="
if defined language if /i "%language:~0,2%"=="zh" set "chinese=%unicode%"

%reg% query "%control%\MiniNT" >nul 2>nul
if not errorlevel 1 goto winpe
%reg% query "%windows%\WinPE" >nul 2>nul
if not errorlevel 1 goto winpe

if defined SAFEBOOT_OPTION goto safe_mode
%reg% query "%control%\SafeBoot\Option" /v OptionValue >nul 2>nul
if not errorlevel 1 goto safe_mode

set "name=Windows"
set "major="
set "build=0"
for /f "tokens=2,*" %%a in ('%reg% query "%windows%" /v ProductName 2^>nul') do set "name=%%b"
for /f "tokens=2,*" %%a in ('%reg% query "%windows%" /v CurrentMajorVersionNumber 2^>nul') do set /a "major=%%b" 2>nul
for /f "tokens=2,*" %%a in ('%reg% query "%windows%" /v CurrentBuildNumber 2^>nul') do set /a "build=%%b" 2>nul
if not defined major goto old
if %major% LSS 10 goto old
if %build% LSS 19041 goto old

if /i "%PROCESSOR_ARCHITECTURE%"=="x86" if not defined PROCESSOR_ARCHITEW6432 goto narrow

rem A 32-bit command prompt sees the 64-bit programs of Windows in Sysnative.
set "wsl=%SystemRoot%\System32\wsl.exe"
if exist "%SystemRoot%\Sysnative\wsl.exe" set "wsl=%SystemRoot%\Sysnative\wsl.exe"
if not exist "%wsl%" goto no_wsl
rem What only asks must not read what was piped to us, and WSL that is not installed must not wait for a key.
%wsl% -e true <nul >nul 2>nul
if errorlevel 1 goto no_distribution

rem Docker Desktop's own distribution may be the default one; nothing runs in there.
set "distribution="
for /f "usebackq delims=" %%d in (`%wsl% -e printenv WSL_DISTRO_NAME 2^>nul ^<nul`) do set "distribution=%%d"
if defined distribution if /i "%distribution:~0,14%"=="docker-desktop" goto no_distribution

set "launcher="
for /f "usebackq delims=" %%p in (`%wsl% -e wslpath -a "%~dp0deploykit" 2^>nul ^<nul`) do set "launcher=%%p"
if not defined launcher goto no_path

rem Settings given as DEPLOYKIT_... variables hold in Linux as well; paths are for the user to write as Linux has them.
set "DEPLOYKIT_=so that there is one"
for /f "delims==" %%v in ('set DEPLOYKIT_') do call :pass %%v
set "DEPLOYKIT_="

rem No shell stands between: what was typed here in quotes arrives as one argument, whatever is in it.
%wsl% -e /bin/sh "%launcher%" %*
set "code=%errorlevel%"
goto leave

:pass
if not "%1"=="DEPLOYKIT_" set "WSLENV=%1/u:%WSLENV%"
exit /b 0

:winpe
echo deploykit: HOST-WINPE: this is Windows PE, a set-up environment that lives in memory.>&2
echo Drivers loaded here can end in a blue screen, so nothing was started and nothing was touched.>&2
echo Boot the installed Windows, then run deploykit again.>&2
if defined chinese call :zh_winpe
goto refuse

:safe_mode
echo deploykit: HOST-SAFE-MODE: Windows was started in Safe Mode, without graphics drivers and virtual machines.>&2
echo Touching them now can end in a blue screen, so nothing was started and nothing was touched.>&2
echo Restart Windows normally, then run deploykit again.>&2
if defined chinese call :zh_safe_mode
goto refuse

:old
rem Names and paths may hold signs that mean something to batch files; what comes from a `for` is not read again.
for /f "delims=" %%n in ("%name%") do echo deploykit: HOST-WINDOWS-OLD: %%n (build %build%) is too old for WSL 2.>&2
echo WSL 2 needs Windows 10 version 2004 (build 19041) or newer, or Windows 11. Nothing was started.>&2
echo Update Windows, or run deploykit on a Linux host.>&2
if defined chinese call :zh_old
goto refuse

:narrow
echo deploykit: HOST-32BIT: this is a 32-bit Windows; WSL 2 needs a 64-bit one. Nothing was started.>&2
echo Install a 64-bit Windows, or run deploykit on a 64-bit Linux host.>&2
if defined chinese call :zh_narrow
goto refuse

:no_wsl
echo deploykit: HOST-WINDOWS: deploykit runs in Linux, and Windows' part for that (WSL 2) is not installed.>&2
echo Run this as administrator, restart Windows, then run deploykit again:>&2
echo     dism.exe /online /enable-feature /all /featurename:Microsoft-Windows-Subsystem-Linux /featurename:VirtualMachinePlatform>&2
if defined chinese call :zh_no_wsl
goto refuse

:no_distribution
echo deploykit: HOST-WINDOWS: deploykit runs in Linux, and WSL has no distribution for it that starts.>&2
echo Run this as administrator, restart Windows when it says so, then run deploykit again:>&2
echo     wsl.exe --install -d Ubuntu>&2
if defined distribution echo     wsl.exe --set-default Ubuntu>&2
if defined chinese call :zh_no_distribution
goto refuse

:no_path
for /f "delims=" %%p in ("%~dp0") do echo deploykit: HOST-WINDOWS: WSL's distribution does not see this folder: %%p>&2
echo Copy or clone deploykit into the distribution itself and run it there:>&2
echo     wsl.exe>&2
if defined chinese call :zh_no_path
goto refuse

:refuse
set "code=4"

:leave
if defined page if not "%page%"=="0" chcp %page% >nul 2>nul
exit /b %code%

:zh_winpe
echo deploykit：HOST-WINPE：这是 Windows PE，一个只存在于内存中的安装环境。 >&2
echo 在这里加载驱动可能导致蓝屏，因此没有启动也没有触碰任何东西。 >&2
echo 请启动已安装的 Windows，然后重新运行 deploykit。 >&2
exit /b 0

:zh_safe_mode
echo deploykit：HOST-SAFE-MODE：Windows 正处于安全模式，未加载显卡驱动和虚拟机。 >&2
echo 此时触碰它们可能导致蓝屏，因此没有启动也没有触碰任何东西。 >&2
echo 请正常重启 Windows，然后重新运行 deploykit。 >&2
exit /b 0

:zh_old
for /f "delims=" %%n in ("%name%") do echo deploykit：HOST-WINDOWS-OLD：%%n（内部版本 %build%）太旧，无法使用 WSL 2。 >&2
echo WSL 2 需要 Windows 10 2004 版（内部版本 19041）或更新版本，或 Windows 11。没有启动任何东西。 >&2
echo 请更新 Windows，或在 Linux 主机上运行 deploykit。 >&2
exit /b 0

:zh_narrow
echo deploykit：HOST-32BIT：这是 32 位 Windows，WSL 2 需要 64 位系统。没有启动任何东西。 >&2
echo 请安装 64 位 Windows，或在 64 位 Linux 主机上运行 deploykit。 >&2
exit /b 0

:zh_no_wsl
echo deploykit：HOST-WINDOWS：deploykit 在 Linux 中运行，而 Windows 的相应组件（WSL 2）没有安装。 >&2
echo 请以管理员身份运行上面的命令，重启 Windows，然后重新运行 deploykit。 >&2
exit /b 0

:zh_no_distribution
echo deploykit：HOST-WINDOWS：deploykit 在 Linux 中运行，而 WSL 中没有可以启动的发行版。 >&2
echo 请以管理员身份运行上面的命令，按提示重启 Windows，然后重新运行 deploykit。 >&2
exit /b 0

:zh_no_path
for /f "delims=" %%p in ("%~dp0") do echo deploykit：HOST-WINDOWS：WSL 的发行版看不到这个目录：%%p >&2
echo 请把 deploykit 复制或克隆到发行版内部，在那里运行。 >&2
exit /b 0
