/* SPDX-License-Identifier: Apache-2.0
 *
 * metrng._native: libmetrng for Python.
 */
#include "WordsFormat.h"
#include "native.h"

static PyObject *crc32c(PyObject *module, PyObject *argument) {
    (void)module;
    char *bytes;
    Py_ssize_t count;
    if (PyBytes_AsStringAndSize(argument, &bytes, &count) != 0) return NULL;
    return PyLong_FromUnsignedLong(metrngi_crc32c(0, bytes, (size_t)count));
}

static PyMethodDef functions[] = {
    {"crc32c", crc32c, METH_O, "The CRC-32C of bytes."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "metrng._native",
    "libmetrng for Python; private to metrng.",
    -1,
    functions,
    NULL,
    NULL,
    NULL,
    NULL,
};

PyMODINIT_FUNC PyInit__native(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) {
        return NULL;
    }
    if (add_session_type(module) != 0 || add_alias_type(module) != 0 ||
        add_bit_generator_types(module) != 0 ||
        PyModule_AddStringConstant(module, "version", metrng_version()) != 0 ||
        PyModule_AddStringConstant(module, "code_path", metrng_path()) != 0) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
