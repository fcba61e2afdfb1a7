/* A stand-in for NVIDIA's libnvidia-ml.so.1: what a monitor asks of a card. A handle is the card's number plus one. */
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

static int started;

static int card_of(Handle handle) { return (int)(size_t)handle - 1; }

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
    return code ? code : write_text(name, size, text_of("name", card, "NVIDIA Stub 4090"));
}

int nvmlDeviceGetUUID(Handle handle, char *uuid, unsigned int size)
{
    int card = card_of(handle), code = answer("nvmlDeviceGetUUID", card);
    char own[64];
    uuid_of(card, own, sizeof own);
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
    memory->free = memory->total - memory->used;
    return answer("nvmlDeviceGetMemoryInfo", card);
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
    *current = *pending = (unsigned int)number_of("mig", card_of(handle), 0);
    return number_of("mig", card_of(handle), -1) < 0 ? 3 : answer("nvmlDeviceGetMigMode", card_of(handle));
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

/* Nobody computes: programs that run under the stubs use no real card. */
int nvmlDeviceGetComputeRunningProcesses_v3(Handle handle, unsigned int *count, void *infos)
{
    (void)infos;
    *count = 0;
    return answer("nvmlDeviceGetComputeRunningProcesses_v3", card_of(handle));
}
