/* SPDX-License-Identifier: Apache-2.0
 *
 * metrng._native.BitGenerator: a bit generator of NumPy, which it finds by a capsule and a lock.
 *
 * The functions in the capsule cannot fail, so a failure is kept: from then on they give the values
 * of a hash of a counter, and the lock, which NumPy holds around every draw, raises when it is
 * released. A constant would not do: methods that reject values would never end. NumPy holds or
 * does not hold the interpreter's lock when it draws.
 */
#include "native.h"

#include "Reserve.h"

PyTypeObject *lock_type, *bit_generator_type;

/* NumPy's bitgen_t, by value in each of its generators. */
typedef struct {
    void *state;
    uint64_t (*next_uint64)(void *);
    uint32_t (*next_uint32)(void *);
    double (*next_double)(void *);
    uint64_t (*next_raw)(void *);
} bitgen_t;

/* All members but `session` belong to the holder of the session's lock. */
typedef struct {
    PyObject_HEAD SessionObject *session;
    metrng_reserve *reserve;
    metrng_status failure; /* METRNG_OK: none; otherwise what the lock has to raise */
    uint64_t filler;       /* the counter behind values that are no bits of ours */
    PyObject *lock;
    bitgen_t functions;
} BitGeneratorObject;

/* `owner` is borrowed, because the lock is the owner's, and NULL once that has gone. The session is
 * used, and so is there, until both have gone. `holds` counts the locks without their unlocks. */
typedef struct {
    PyObject_HEAD BitGeneratorObject *owner;
    SessionObject *session;
    Py_ssize_t holds;
} LockObject;

/* In no stable ABI, but exported by every version of CPython. Without it, the interpreter's lock is
 * taken to be free, and PyGILState_Ensure finds out. */
__attribute__((weak)) extern int PyGILState_Check(void);

/* Refills the reserve, without the interpreter's lock in any case: a thread that waits for bits
 * must not stop others. */
static metrng_status refill(BitGeneratorObject *self) {
    metrng_status status;
    if (&PyGILState_Check != NULL && !PyGILState_Check()) {
        return metrng_refill(self->session->session);
    }
    PyGILState_STATE state = PyGILState_Ensure();
    Py_BEGIN_ALLOW_THREADS;
    status = metrng_refill(self->session->session);
    Py_END_ALLOW_THREADS;
    PyGILState_Release(state);
    return status;
}

/* SplitMix64 */
static uint64_t filler(BitGeneratorObject *self) {
    uint64_t value = self->filler += 0x9E3779B97F4A7C15;
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
    value = (value ^ value >> 27) * 0x94D049BB133111EB;
    return value ^ value >> 31;
}

/* Whether there are bits at hand now. */
static int refilled(BitGeneratorObject *self) {
    if (self->failure == METRNG_OK) {
        self->failure = refill(self);
    }
    return self->failure == METRNG_OK;
}

static uint64_t next_uint64(void *state) {
    BitGeneratorObject *self = state;
    uint64_t word;
    while (!metrng_take64(self->reserve, &word)) {
        if (!refilled(self)) {
            return filler(self);
        }
    }
    return word;
}

static uint32_t next_uint32(void *state) {
    BitGeneratorObject *self = state;
    uint32_t bits;
    while (!metrng_take32(self->reserve, &bits)) {
        if (!refilled(self)) {
            return (uint32_t)filler(self);
        }
    }
    return bits;
}

static double next_double(void *state) { return (double)(next_uint64(state) >> 11) * 0x1p-53; }

/* Locks without the interpreter's lock: the holder may need that to go on. */
static void lock_session(metrng *session) {
    Py_BEGIN_ALLOW_THREADS;
    metrng_lock(session);
    Py_END_ALLOW_THREADS;
}

/* Raises what was kept, once: NULL with the exception set, or None. */
static PyObject *raise_failure(BitGeneratorObject *self) {
    metrng_status status = self->failure;
    if (status == METRNG_OK) {
        Py_RETURN_NONE;
    }
    self->failure = METRNG_OK;
    return raise_status(self->session, status);
}

static PyObject *lock_enter(PyObject *object, PyObject *unused) {
    (void)unused;
    LockObject *self = (LockObject *)object;
    if (!session_begin(self->session)) {
        return NULL;
    }
    lock_session(self->session->session);
    self->holds++;
    Py_RETURN_TRUE;
}

static PyObject *lock_exit(PyObject *object, PyObject *unused) {
    (void)unused;
    LockObject *self = (LockObject *)object;
    if (self->holds == 0) {
        PyErr_SetString(PyExc_RuntimeError, "this lock is not held");
        return NULL;
    }
    self->holds--;
    PyObject *result = self->owner != NULL ? raise_failure(self->owner) : Py_NewRef(Py_None);
    metrng_unlock(self->session->session);
    session_end(self->session);
    return result;
}

static void lock_dealloc(LockObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    session_end(self->session);
    Py_DECREF((PyObject *)self->session);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

static PyMethodDef lock_methods[] = {
    {"__enter__", lock_enter, METH_NOARGS, "Locks the session; the owner may lock it again."},
    {"__exit__", lock_exit, METH_VARARGS, "Unlocks the session, and raises what stopped a draw."},
    {"acquire", lock_enter, METH_NOARGS, "Locks the session."},
    {"release", lock_exit, METH_NOARGS, "Unlocks the session, and raises what stopped a draw."},
    {NULL, NULL, 0, NULL},
};

static LockObject *make_lock(BitGeneratorObject *owner) {
    allocfunc allocate = (allocfunc)PyType_GetSlot(lock_type, Py_tp_alloc);
    LockObject *lock = (LockObject *)allocate(lock_type, 0);
    if (lock != NULL) {
        lock->owner = owner;
        lock->session = (SessionObject *)Py_NewRef((PyObject *)owner->session);
        lock->session->users++;
    }
    return lock;
}

/* BitGenerator(session) */
static PyObject *bit_generator_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    PyObject *session;
    (void)keywords;
    if (!PyArg_ParseTuple(arguments, "O!", session_type, &session) ||
        !session_begin((SessionObject *)session)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    BitGeneratorObject *self = (BitGeneratorObject *)allocate(type, 0);
    if (self == NULL) {
        session_end((SessionObject *)session);
        return NULL;
    }
    self->session = (SessionObject *)Py_NewRef(session);
    self->reserve = metrng_get_reserve(self->session->session);
    self->functions = (bitgen_t){self, next_uint64, next_uint32, next_double, next_uint64};
    self->lock = (PyObject *)make_lock(self);
    if (self->lock == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void bit_generator_dealloc(BitGeneratorObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (self->lock != NULL) {
        ((LockObject *)self->lock)->owner = NULL;
        Py_DECREF(self->lock);
    }
    session_end(self->session);
    Py_DECREF((PyObject *)self->session);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

/* NumPy's generators keep the bit generator, and so the functions, alive. */
static PyObject *get_capsule(PyObject *self, void *unused) {
    (void)unused;
    return PyCapsule_New(&((BitGeneratorObject *)self)->functions, "BitGenerator", NULL);
}

static PyObject *get_lock(PyObject *self, void *unused) {
    (void)unused;
    return Py_NewRef(((BitGeneratorObject *)self)->lock);
}

static PyObject *check(PyObject *self, PyObject *unused) {
    (void)unused;
    return raise_failure((BitGeneratorObject *)self);
}

/* One word, as an int. */
static PyObject *take_word(PyObject *object, PyObject *unused) {
    (void)unused;
    BitGeneratorObject *self = (BitGeneratorObject *)object;
    if (!session_begin(self->session)) {
        return NULL;
    }
    lock_session(self->session->session);
    uint64_t word = next_uint64(self);
    PyObject *failed = raise_failure(self);
    metrng_unlock(self->session->session);
    session_end(self->session);
    if (failed == NULL) {
        return NULL;
    }
    Py_DECREF(failed);
    return PyLong_FromUnsignedLongLong(word);
}

static PyMethodDef bit_generator_methods[] = {
    {"check", check, METH_NOARGS,
     "Raises what stopped a draw by a caller that takes no lock, such as numba."},
    {"take_word", take_word, METH_NOARGS, "Draws 64 bits, as an int."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef bit_generator_members[] = {
    {"capsule", get_capsule, NULL, "The functions that NumPy calls.", NULL},
    {"lock", get_lock, NULL, "The lock that NumPy holds around draws.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

int add_bit_generator_types(PyObject *module) {
    PyType_Slot lock_slots[] = {
        {Py_tp_dealloc, lock_dealloc},
        {Py_tp_methods, lock_methods},
        {Py_tp_doc, "The lock of a session, for NumPy."},
        {0, NULL},
    };
    PyType_Spec lock_spec = {"metrng._native.Lock", sizeof(LockObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, lock_slots};
    PyType_Slot slots[] = {
        {Py_tp_new, bit_generator_new},
        {Py_tp_dealloc, bit_generator_dealloc},
        {Py_tp_methods, bit_generator_methods},
        {Py_tp_getset, bit_generator_members},
        {Py_tp_doc, "A bit generator of NumPy on a session."},
        {0, NULL},
    };
    PyType_Spec spec = {"metrng._native.BitGenerator", sizeof(BitGeneratorObject), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    lock_type = (PyTypeObject *)PyType_FromSpec(&lock_spec);
    bit_generator_type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (lock_type == NULL || bit_generator_type == NULL) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "BitGenerator", (PyObject *)bit_generator_type);
}
