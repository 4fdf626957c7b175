"""Models that all doors must see alike: code that leaves a `model`, for Keras 3 and for Keras 2, or for one of them."""

BOTH = {
    "sequential": """
model = keras.Sequential([
    keras.layers.Input((8, 8, 3)),
    keras.layers.Conv2D(4, 3, use_bias=False, kernel_initializer="he_normal"),
    keras.layers.BatchNormalization(momentum=0.9, name="first"),
    keras.layers.Activation("relu"),
    keras.layers.MaxPooling2D(),
    keras.layers.Flatten(),
    keras.layers.Dense(5, activation="softmax"),
])
model.compile("adam", "mse")
""",
    "functional": """
inputs = keras.Input((8, 8, 3))
x = keras.layers.ZeroPadding2D(1)(inputs)
x = keras.layers.Conv2D(4, (3, 3), strides=2, padding="same")(x)
y = keras.layers.BatchNormalization(epsilon=1e-5)(x)
y = keras.layers.ReLU()(y)
z = keras.layers.add([x, y])
x = keras.layers.Concatenate()([z, y, x])
x = keras.layers.GlobalAveragePooling2D()(x)
outputs = keras.layers.Dense(2)(x)
model = keras.Model(inputs, [outputs, x])
""",
    "operators": """
inputs = keras.Input((6,))
x = keras.layers.Dense(6)(inputs)
x = x + inputs
x = keras.layers.BatchNormalization()(x)
x = x * 2.0
x = x - inputs
x = x / 3.0
x = x[:, :2]
model = keras.Model(inputs, x)
""",
    "shared": """
first, second = keras.Input((6,)), keras.Input((6,))
dense, norm = keras.layers.Dense(4), keras.layers.BatchNormalization()
x = keras.layers.multiply([norm(dense(first)), norm(dense(second))])
model = keras.Model([first, second], keras.layers.Dense(1, activation="sigmoid")(x))
""",
    "nested": """
inner_in = keras.Input((4,))
inner_x = keras.layers.BatchNormalization()(keras.layers.Dense(3)(inner_in))
inner = keras.Model(inner_in, inner_x, name="inner")
layers = [keras.layers.Input((3,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
tail = keras.Sequential(layers, name="tail")
inputs = keras.Input((4,))
x = inner(inputs, training=False)
x = tail(x)
y = inner(inputs)
model = keras.Model(inputs, keras.layers.Add()([x, y]))
""",
    "outputs": """
inner_in = keras.Input((4,))
inner = keras.Model(inner_in, [keras.layers.Dense(3)(inner_in), keras.layers.Dense(2)(inner_in)], name="inner")
inputs = keras.Input((4,))
a, b = inner(inputs)
b = keras.layers.BatchNormalization()(b)
model = keras.Model(inputs, keras.layers.Concatenate()([b, a]))
""",
    "wrappers": """
inputs = keras.Input((5, 4))
x = keras.layers.TimeDistributed(keras.layers.Dense(3))(inputs)
x = keras.layers.Bidirectional(keras.layers.LSTM(4, return_sequences=True))(x)
x = keras.layers.BatchNormalization(axis=1)(x)
x = keras.layers.TimeDistributed(keras.layers.BatchNormalization())(x)
model = keras.Model(inputs, keras.layers.GlobalMaxPooling1D()(x))
""",
    "frozen": """
inputs = keras.Input((4,))
norm = keras.layers.BatchNormalization(trainable=False, gamma_regularizer=keras.regularizers.L2(0.01))
x = norm(keras.layers.Dropout(0.5)(inputs), training=False)
x = keras.layers.LeakyReLU()(x)
model = keras.Model(inputs, x)
""",
}

SUBCLASSES = {
    "subclass": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4, activation="relu")
        self.norm = keras.layers.BatchNormalization()
        self.out = keras.layers.Dense(2)

    def call(self, x, training=None):
        x = self.dense(x)
        x = self.norm(x, training=training)
        return self.out(x)

model = Net()
model(np.zeros((2, 3), "float32"))
""",
    "unflagged": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)
        self.norm = keras.layers.BatchNormalization()

    def call(self, x):
        y = self.norm(self.dense(x), training=True)
        return y + self.dense(x)

model = Net()
model(np.zeros((2, 4), "float32"))
""",
    "blocks": """
class Block(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)
        self.norm = keras.layers.BatchNormalization()
        self.relu = keras.layers.ReLU()

    def call(self, x, training=None):
        return self.relu(self.norm(self.dense(x), training=training))

inputs = keras.Input((4,))
x = Block(4)(inputs)
x = Block(4)(x)
model = keras.Model(inputs, keras.layers.Dense(1)(x))
""",
    "blocks in a subclass": """
class Block(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)
        self.norm = keras.layers.BatchNormalization()

    def call(self, x, training=None):
        return self.norm(self.dense(x), training=training)

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [Block(4) for _ in range(3)]

    def call(self, x, training=None):
        for block in self.blocks:
            x = x + block(x, training=training)
        return x

model = Net()
model(np.zeros((2, 4), "float32"))
""",
}
"""Models of which a file holds the configuration only: the live door sees their calls."""

HEADER = {3: "import keras\nimport numpy as np\n", 2: "import tf_keras as keras\nimport numpy as np\n"}
