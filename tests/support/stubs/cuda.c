/* A stand-in for NVIDIA's libcuda.so.1: the calls of a program that only asks who is there. */
#include "state.h"

static int started;

static int answer(const char *call)
{
    enter(call);
    if (!started)
        return 3;
    return (int)number_of("cu_call", -1, 0);
}

int cuInit(unsigned int flags)
{
    int code;
    (void)flags;
    enter("cuInit");
    code = (int)number_of("cu_init", -1, !node("ctl") ? 100 : node("-uvm") ? 0 : 999);
    started = code == 0;
    return code;
}

int cuDriverGetVersion(int *version)
{
    enter("cuDriverGetVersion");
    *version = (int)number_of("cuda", -1, 12080);
    return 0;
}

int cuDeviceGetCount(int *count)
{
    int code = answer("cuDeviceGetCount");
    *count = cards();
    return code ? code : (int)number_of("cu_count", -1, 0);
}

int cuDeviceGet(int *device, int ordinal)
{
    int code = answer("cuDeviceGet");
    *device = nth(ordinal);
    return code ? code : *device >= 0 ? 0 : 101;
}

int cuDeviceGetName(char *name, int size, int device)
{
    snprintf(name, (size_t)size, "%s", text_of("name", device, "NVIDIA Stub 4090"));
    return answer("cuDeviceGetName");
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    int major = 8, minor = 9;
    sscanf(text_of("cc", device, "8.9"), "%d.%d", &major, &minor);
    *value = attribute == 75 ? major : attribute == 76 ? minor : 0;
    return answer("cuDeviceGetAttribute");
}

int cuDeviceGetUuid(unsigned char *uuid, int device)
{
    char text[64];
    const char *at = text;
    int i, byte;
    uuid_of(device, text, sizeof text);
    if (!strncmp(at, "GPU-", 4))
        at += 4;
    for (i = 0; i < 16; i++) {
        while (*at == '-')
            at++;
        byte = 0;
        sscanf(at, "%2x", (unsigned int *)&byte);
        uuid[i] = (unsigned char)byte;
        at += 2;
    }
    return answer("cuDeviceGetUuid");
}

int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    *bytes = (size_t)number_of("total", device, 25757220864LL);
    return answer("cuDeviceTotalMem_v2");
}

int cuGetErrorName(int code, const char **name)
{
    static const struct { int code; const char *name; } known[] = {
        {3, "CUDA_ERROR_NOT_INITIALIZED"}, {34, "CUDA_ERROR_STUB_LIBRARY"}, {100, "CUDA_ERROR_NO_DEVICE"},
        {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
        {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"}, {999, "CUDA_ERROR_UNKNOWN"}};
    size_t i;
    for (i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code) {
            *name = known[i].name;
            return 0;
        }
    return 1;
}
