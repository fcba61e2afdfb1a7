/* A stand-in for Windows' wsl.exe: writes down how it was called, and answers as FAKE_WSL says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

static void utf8(FILE *file, const wchar_t *text) {
    char bytes[8192];
    if (WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL))
        fputs(bytes, file);
}

int wmain(int count, wchar_t **words) {
    const char *mood = getenv("FAKE_WSL"), *log = getenv("FAKE_WSL_LOG");
    const wchar_t *passed = _wgetenv(L"WSLENV");
    char piped[256];
    size_t length = 0;
    FILE *file = log ? fopen(log, "ab") : NULL;
    mood = mood ? mood : "";
    if (GetFileType(GetStdHandle(STD_INPUT_HANDLE)) != FILE_TYPE_CHAR)
        length = fread(piped, 1, sizeof piped, stdin); /* the real one reads whatever is piped to it */
    if (file) {
        for (int index = 1; index < count; index++) {
            utf8(file, words[index]);
            fputc(0, file);
        }
        fputs("WSLENV=", file);
        utf8(file, passed ? passed : L"");
        fputc('\n', file);
        fclose(file);
    }
    if (!strcmp(mood, "no-distribution") || count < 3 || wcscmp(words[1], L"-e"))
        return 255;
    if (!wcscmp(words[2], L"true"))
        return 0;
    if (!wcscmp(words[2], L"printenv"))
        return puts(!strcmp(mood, "docker-desktop") ? "docker-desktop" : "Ubuntu") < 0;
    if (!wcscmp(words[2], L"wslpath")) {
        if (!strcmp(mood, "no-path"))
            return 1;
        return puts("/mnt/c/Program Files/deploykit") < 0;
    }
    puts("from Linux");
    fwrite(piped, 1, length, stdout);
    return 3;
}
