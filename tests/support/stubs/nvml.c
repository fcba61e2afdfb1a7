/* A stand-in for NVIDIA's libnvidia-ml.so.1: what a monitor asks of a card. A handle is the card's number plus one;
   that of a slice has its number plus one, times 1000, on top. */
#include "state.h"

typedef void *Handle;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } Memory2;
typedef struct { unsigned int gpu, memory; } Utilisation;
typedef struct {
    char busIdLegacy[16];
    unsigned int domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} Pci;

typedef struct { unsigned int pid; unsigned long long used; unsigned int instance, computeInstance; } Process;
typedef struct {
    unsigned int processors, copiers, decoders, encoders, jpeg, flow, slices, computeSlices;
    unsigned long long mebibytes;
} Attributes;
typedef struct {
    unsigned int version;
    unsigned char cluster[16];
    int status;
    unsigned int clique;
    unsigned char state;
    unsigned int health;
} Fabric;

#define NOT_SUPPORTED 3
#define TOO_SMALL 7
#define SLICE 1000

static int started;

static int card_of(Handle handle) { return (int)((size_t)handle % SLICE) - 1; }

static int slice_of(Handle handle) { return (int)((size_t)handle / SLICE) - 1; }

/* The item at a place of a list with commas, 0 behind its end. */
static int item_of(const char *list, int place, char *value, size_t size)
{
    for (; *list && place; place--) {
        list += strcspn(list, ",");
        list += *list == ',';
    }
    if (!*list)
        return 0;
    snprintf(value, size, "%.*s", (int)strcspn(list, ","), list);
    return 1;
}

/* The profile of a slice (``1g.10gb``), 0 for none. */
static int profile_of(int card, int slice, char *value, size_t size)
{
    return slice >= 0 && item_of(text_of("slices", card, ""), slice, value, size);
}

static unsigned long long slice_bytes(Handle handle)
{
    char profile[64], *at;
    if (!profile_of(card_of(handle), slice_of(handle), profile, sizeof profile) || !(at = strrchr(profile, '.')))
        return 0;
    return strtoull(at + 1, NULL, 10) << 30;
}

static int answer(const char *call, int card)
{
    enter(call);
    if (!started)
        return 1;
    return (int)number_of("nvml_call", card, 0);
}

static int write_text(char *place, unsigned int size, const char *text)
{
    if (strlen(text) + 1 > size)
        return 7;
    strcpy(place, text);
    return 0;
}

int nvmlInit_v2(void)
{
    int code;
    enter("nvmlInit_v2");
    code = (int)number_of("nvml_init", -1, node("ctl") ? 0 : 9);
    started = code == 0;
    return code;
}

int nvmlInitWithFlags(unsigned int flags) { (void)flags; return nvmlInit_v2(); }

int nvmlShutdown(void) { started = 0; return 0; }

const char *nvmlErrorString(int code)
{
    switch (code) {
    case 0: return "Success";
    case 1: return "Uninitialized";
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 9: return "Driver Not Loaded";
    case 15: return "GPU is lost";
    case 18: return "Driver/library version mismatch";
    default: return "Unknown Error";
    }
}

int nvmlSystemGetDriverVersion(char *version, unsigned int size)
{
    int code = answer("nvmlSystemGetDriverVersion", -1);
    return code ? code : write_text(version, size, text_of("driver", -1, "570.133.20"));
}

int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = (int)number_of("cuda", -1, 12080);
    return answer("nvmlSystemGetCudaDriverVersion_v2", -1);
}

int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

int nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = (unsigned int)cards();
    return answer("nvmlDeviceGetCount_v2", -1);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, Handle *handle)
{
    int card = nth((int)index);
    if (card < 0)
        return 2;
    *handle = (Handle)(size_t)(card + 1);
    return answer("nvmlDeviceGetHandleByIndex_v2", card);
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Handle *handle)
{
    char own[64];
    int i;
    for (i = 0; i < cards(); i++) {
        uuid_of(nth(i), own, sizeof own);
        if (!strcmp(own, uuid))
            return nvmlDeviceGetHandleByIndex_v2((unsigned int)i, handle);
    }
    return 6;
}

int nvmlDeviceGetName(Handle handle, char *name, unsigned int size)
{
    int card = card_of(handle), code = answer("nvmlDeviceGetName", card);
    char profile[64], whole[256];
    const char *plain = text_of("name", card, "NVIDIA Stub 4090");
    if (profile_of(card, slice_of(handle), profile, sizeof profile)) {
        snprintf(whole, sizeof whole, "%s MIG %s", plain, profile);
        plain = whole;
    }
    return code ? code : write_text(name, size, plain);
}

int nvmlDeviceGetUUID(Handle handle, char *uuid, unsigned int size)
{
    int card = card_of(handle), code = answer("nvmlDeviceGetUUID", card);
    char own[64];
    uuid_of(card, own, sizeof own);
    if (slice_of(handle) >= 0)
        snprintf(own, sizeof own, "MIG-00000000-0000-0000-%04d-%012d", slice_of(handle) + 1, card + 1);
    return code ? code : write_text(uuid, size, own);
}

int nvmlDeviceGetIndex(Handle handle, unsigned int *index)
{
    *index = (unsigned int)card_of(handle);
    return answer("nvmlDeviceGetIndex", card_of(handle));
}

int nvmlDeviceGetPciInfo_v3(Handle handle, Pci *pci)
{
    int card = card_of(handle);
    memset(pci, 0, sizeof *pci);
    pci->bus = (unsigned int)card + 1;
    pci->pciDeviceId = 0x268410de;
    snprintf(pci->busIdLegacy, sizeof pci->busIdLegacy, "0000:%02X:00.0", card + 1);
    snprintf(pci->busId, sizeof pci->busId, "00000000:%02X:00.0", card + 1);
    return answer("nvmlDeviceGetPciInfo_v3", card);
}

int nvmlDeviceGetMemoryInfo(Handle handle, Memory *memory)
{
    int card = card_of(handle);
    memory->total = (unsigned long long)number_of("total", card, 25757220864LL);
    memory->used = (unsigned long long)number_of("used", card, 500000000LL);
    if (slice_of(handle) >= 0) {
        memory->total = slice_bytes(handle);
        memory->used = 0;
    }
    memory->free = memory->total - memory->used;
    return number_of("total", card, 0) < 0 ? NOT_SUPPORTED : answer("nvmlDeviceGetMemoryInfo", card);
}

int nvmlDeviceGetMemoryInfo_v2(Handle handle, Memory2 *memory)
{
    int card = card_of(handle);
    memory->total = (unsigned long long)number_of("total", card, 25757220864LL);
    memory->reserved = 0;
    memory->used = (unsigned long long)number_of("used", card, 500000000LL);
    memory->free = memory->total - memory->used;
    return answer("nvmlDeviceGetMemoryInfo_v2", card);
}

int nvmlDeviceGetCudaComputeCapability(Handle handle, int *major, int *minor)
{
    int card = card_of(handle);
    *major = 8;
    *minor = 9;
    sscanf(text_of("cc", card, "8.9"), "%d.%d", major, minor);
    return answer("nvmlDeviceGetCudaComputeCapability", card);
}

int nvmlDeviceGetMigMode(Handle handle, unsigned int *current, unsigned int *pending)
{
    *current = (unsigned int)number_of("mig", card_of(handle), 0);
    *pending = (unsigned int)number_of("mig_pending", card_of(handle), *current);
    return number_of("mig", card_of(handle), -1) < 0 ? NOT_SUPPORTED : answer("nvmlDeviceGetMigMode", card_of(handle));
}

int nvmlDeviceGetUtilizationRates(Handle handle, Utilisation *utilisation)
{
    utilisation->gpu = (unsigned int)number_of("utilisation", card_of(handle), 0);
    utilisation->memory = utilisation->gpu;
    return answer("nvmlDeviceGetUtilizationRates", card_of(handle));
}

int nvmlDeviceGetTemperature(Handle handle, int sensor, unsigned int *degrees)
{
    (void)sensor;
    *degrees = (unsigned int)number_of("temperature", card_of(handle), 40);
    return answer("nvmlDeviceGetTemperature", card_of(handle));
}

int nvmlDeviceGetComputeMode(Handle handle, int *mode)
{
    *mode = (int)number_of("compute_mode", card_of(handle), 0);
    return answer("nvmlDeviceGetComputeMode", card_of(handle));
}

int nvmlDeviceGetMaxMigDeviceCount(Handle handle, unsigned int *count)
{
    *count = number_of("mig", card_of(handle), -1) < 0 ? 0 : 7;
    return answer("nvmlDeviceGetMaxMigDeviceCount", card_of(handle));
}

int nvmlDeviceGetMigDeviceHandleByIndex(Handle handle, unsigned int index, Handle *slice)
{
    char profile[64];
    *slice = (Handle)((size_t)handle + (index + 1) * (size_t)SLICE);
    if (!profile_of(card_of(handle), (int)index, profile, sizeof profile))
        return 6;
    return answer("nvmlDeviceGetMigDeviceHandleByIndex", card_of(handle));
}

int nvmlDeviceGetAttributes_v2(Handle handle, Attributes *attributes)
{
    char profile[64] = "";
    memset(attributes, 0, sizeof *attributes);
    if (!profile_of(card_of(handle), slice_of(handle), profile, sizeof profile))
        return NOT_SUPPORTED;
    attributes->slices = attributes->computeSlices = (unsigned int)strtoul(profile, NULL, 10);
    attributes->mebibytes = slice_bytes(handle) >> 20;
    return answer("nvmlDeviceGetAttributes_v2", card_of(handle));
}

/* A figure that a card tells only when it was said. */
static int figure(const char *call, const char *key, Handle handle, unsigned int *value)
{
    long long told = number_of(key, card_of(handle), -1);
    *value = (unsigned int)told;
    return told < 0 ? NOT_SUPPORTED : answer(call, card_of(handle));
}

int nvmlDeviceGetVirtualizationMode(Handle handle, unsigned int *mode)
{
    return figure("nvmlDeviceGetVirtualizationMode", "virtual", handle, mode);
}

int nvmlDeviceGetPersistenceMode(Handle handle, unsigned int *mode)
{
    return figure("nvmlDeviceGetPersistenceMode", "persistence", handle, mode);
}

int nvmlDeviceGetRetiredPagesPendingStatus(Handle handle, unsigned int *pending)
{
    return figure("nvmlDeviceGetRetiredPagesPendingStatus", "retired_pending", handle, pending);
}

int nvmlDeviceGetTotalEccErrors(Handle handle, int kind, int counter, unsigned long long *count)
{
    long long told = number_of("uncorrected", card_of(handle), -1);
    *count = kind == 1 && counter == 0 ? (unsigned long long)told : 0;
    return told < 0 ? NOT_SUPPORTED : answer("nvmlDeviceGetTotalEccErrors", card_of(handle));
}

int nvmlDeviceGetRemappedRows(Handle handle, unsigned int *corrected, unsigned int *uncorrected,
                              unsigned int *pending, unsigned int *failed)
{
    int card = card_of(handle);
    const char *told = text_of("remap", card, "");
    *corrected = *uncorrected = 0;
    *pending = !strcmp(told, "pending");
    *failed = !strcmp(told, "failed");
    return *told ? answer("nvmlDeviceGetRemappedRows", card) : NOT_SUPPORTED;
}

int nvmlDeviceGetGpuFabricInfoV(Handle handle, Fabric *fabric)
{
    int card = card_of(handle);
    if (fabric->version != (sizeof *fabric | 2 << 24))
        return 25;
    fabric->state = (unsigned char)number_of("fabric", card, 0);
    fabric->status = (int)number_of("fabric_status", card, 0);
    return number_of("fabric", card, -1) < 0 ? NOT_SUPPORTED : answer("nvmlDeviceGetGpuFabricInfoV", card);
}

/* ``users`` is a list of ``pid:bytes``; without it nobody computes: programs that run under the stubs use no card. */
int nvmlDeviceGetComputeRunningProcesses_v3(Handle handle, unsigned int *count, Process *processes)
{
    int card = card_of(handle);
    unsigned int room = *count;
    char item[64], *bytes;
    for (*count = 0; item_of(text_of("users", card, ""), (int)*count, item, sizeof item); ++*count) {
        if (*count >= room)
            continue;
        memset(&processes[*count], 0, sizeof *processes);
        processes[*count].pid = (unsigned int)strtoul(item, &bytes, 10);
        processes[*count].used = *bytes == ':' ? strtoull(bytes + 1, NULL, 10) : ~0ULL;
    }
    return *count > room ? TOO_SMALL : answer("nvmlDeviceGetComputeRunningProcesses_v3", card);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(Handle handle, unsigned int *count, Process *processes)
{
    (void)processes;
    *count = 0;
    return answer("nvmlDeviceGetGraphicsRunningProcesses_v3", card_of(handle));
}

int nvmlSystemGetProcessName(unsigned int pid, char *name, unsigned int size)
{
    (void)pid;
    return write_text(name, size, text_of("program", -1, "/opt/app/bin/python3 --token hf_secret"));
}
