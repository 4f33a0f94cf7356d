#include <initguid.h>

#include "guids.h"
