/* What the stubs are told: a file of key=value lines (STUB_GPU, else STUB_FILE), or variables STUB_<KEY>. Read anew
   with each call. */
#ifndef STUB_STATE_H
#define STUB_STATE_H

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int in_file(const char *path, const char *key, char *value, size_t size)
{
    FILE *file = fopen(path, "r");
    char line[512];
    size_t length = strlen(key);
    int found = 0;
    if (!file)
        return 0;
    while (!found && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, length) || line[length] != '=')
            continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(value, size, "%s", line + length + 1);
        found = 1;
    }
    fclose(file);
    return found;
}

static int in_environment(const char *key, char *value, size_t size)
{
    char name[128] = "STUB_";
    size_t at = strlen(name);
    const char *text;
    for (; *key && at + 1 < sizeof name; key++)
        name[at++] = *key == '.' ? '_' : (char)toupper((unsigned char)*key);
    name[at] = 0;
    text = getenv(name);
    if (text)
        snprintf(value, size, "%s", text);
    return text != NULL;
}

static int told(const char *key, char *value, size_t size)
{
    const char *path = getenv("STUB_GPU");
#ifdef STUB_FILE
    if (!path && !access(STUB_FILE, R_OK))
        path = STUB_FILE;
#endif
    return path ? in_file(path, key, value, size) : in_environment(key, value, size);
}

/* The value for one card (key.number), else for all, else the default. */
static const char *text_of(const char *key, int card, const char *otherwise)
{
    static char values[8][256];
    static int turn;
    char *value = values[turn++ % 8];
    char special[128];
    snprintf(special, sizeof special, "%s.%d", key, card);
    if ((card >= 0 && told(special, value, 256)) || told(key, value, 256))
        return value;
    return otherwise;
}

static long long number_of(const char *key, int card, long long otherwise)
{
    const char *text = text_of(key, card, NULL);
    return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

/* Each call begins here: it may hang, crash, or be slow. */
static void enter(const char *call)
{
    if (!strcmp(text_of("hang", -1, ""), call))
        for (;;)
            pause();
    if (!strcmp(text_of("crash", -1, ""), call))
        raise(SIGSEGV);
    if (!strcmp(text_of("slow", -1, ""), call))
        usleep((useconds_t)number_of("slow_ms", -1, 500) * 1000);
}

static int node(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/dev/nvidia%s", name);
    return !number_of("nodes", -1, 0) || !access(path, F_OK);
}

static int present(int card)
{
    char number[16];
    snprintf(number, sizeof number, "%d", card);
    return node(number);
}

/* The number of the card that is the index-th in sight; -1 when there are fewer. */
static int nth(int index)
{
    int card, count = (int)number_of("count", -1, 1);
    for (card = 0; card < count; card++)
        if (present(card) && index-- == 0)
            return card;
    return -1;
}

static int cards(void)
{
    int count = 0;
    while (nth(count) >= 0)
        count++;
    return count;
}

static void uuid_of(int card, char *value, size_t size)
{
    char standard[64];
    snprintf(standard, sizeof standard, "GPU-00000000-0000-0000-0000-%012d", card + 1);
    snprintf(value, size, "%s", text_of("uuid", card, standard));
}

#endif
