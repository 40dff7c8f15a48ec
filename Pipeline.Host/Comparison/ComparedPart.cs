namespace Pipeline.Host.Comparison;

/// <summary>A part of the reports of several runs: one text, and the results of every model on it.</summary>
/// <param name="Name">The name of the part, which is <c>to</c> of the <c>evaluate</c> stage.</param>
/// <param name="Text">The text, which is the same in all runs.</param>
/// <param name="Models">The models, in the order of the definitions, or the best first.</param>
internal sealed record ComparedPart(string Name, JudgedText Text, IReadOnlyList<ComparedModel> Models)
{
    public ComparedModel? this[string name] => Models.FirstOrDefault(m => m.Name == name);
}

/// <summary>The results of a model over several runs. "Exact figures" and "Agreement" in docs/method.md define them.</summary>
/// <param name="Name">The name of the model. Models of the same name in several runs are repeats of one model.</param>
/// <param name="BitsPerByte">Its bits per byte.</param>
/// <param name="GapClosed">
/// (before − this) / (before − teacher), each run with its own before and teacher. Null if no run has both, and for these two models themselves.
/// </param>
/// <param name="Agreement">The share of the compared places where its most likely next byte is that of the reference. Null if no run has it.</param>
/// <param name="ByteAgreement">The share of all bytes where that is so, by exact next bytes. Null if no run has it.</param>
/// <param name="Divergence">The mean divergence of its exact next bytes from those of the reference, in bits. Null if no run has it.</param>
internal sealed record ComparedModel(string Name, Repeats BitsPerByte, Repeats? GapClosed, Repeats? Agreement, Repeats? ByteAgreement, Repeats? Divergence);
