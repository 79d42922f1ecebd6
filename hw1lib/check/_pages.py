"""The pages of the book that explain mistakes, by the names that their headings have."""

PAGES = {
    "dropout/experiment": "Experiment: dropout against overfitting",
    "dropout/kept_units": "1.3 How many units are kept",
    "dropout/paper_dropout": "In the paper: dropout",
    "dropout/poisson_limit": "1.4 The Poisson limit of the kept count",
    "dropout/poisson_width": "1.5 A Poisson width",
    "dropout/rescaling": "1.1 Why dropout rescales",
    "dropout/variance": "1.2 Variance before and after dropout",
    "batchnorm/distributed": "Batch norm across machines",
    "batchnorm/experiment": "Experiment: batch norm and a learning rate of one million",
    "batchnorm/forward": "2.1 The forward pass and what epsilon is for",
    "batchnorm/gradient_input": "2.3 Gradient of the input, through the mean and the variance",
    "batchnorm/gradients_parameters": (
        "2.3 Gradients of the scale, the shift, the mean and the variance"
    ),
    "batchnorm/inference": "Training against inference",
    "batchnorm/moments": "2.2 The mean and variance of the output",
    "batchnorm/paper_batchnorm": "In the paper: batch normalization",
    "batchnorm/paper_whitening": (
        "In the paper: decorrelated batch norm and iterative normalization"
    ),
    "batchnorm/whitening": "2.4 Whitening: the full covariance",
    "batchnorm/whitening_backward": "2.4 The backward pass of whitening",
    "batchnorm/whitening_newton": "2.4 The inverse root by Newton's iteration",
    "backprop/activations": "3.1 The gradients of the activations",
    "backprop/experiment": "Experiment: thirty layers, two initializations",
    "backprop/fan_modes": "3.3 Fan-in or fan-out",
    "backprop/kaiming": "3.3 Kaiming initialization, forward",
    "backprop/kaiming_backward": "3.3 Kaiming initialization, backward",
    "backprop/paper_kaiming": "In the paper: Kaiming initialization",
    "backprop/paper_xavier": "In the paper: Xavier initialization",
    "backprop/softmax_cross_entropy": "3 Softmax and cross-entropy",
    "backprop/weights": "3.2 The gradients of the weights and biases",
    "backprop/xavier": "Xavier initialization",
}


def title(page):
    """Give the heading of a page, written as "batchnorm/gradient_input#anchor"."""
    return PAGES[page.partition("#")[0]]


def link(page):
    """Link to a page, from a notebook in the folder of the practice chapters."""
    name, _, anchor = page.partition("#")
    address = f"../{name}.ipynb" + (f"#{anchor}" if anchor else "")
    return f'<a href="{address}">{title(page)}</a>'
