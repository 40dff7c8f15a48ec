namespace Pipeline.Host.Comparison;

/// <summary>One text, and what every model was judged to be on it over the runs.</summary>
/// <param name="Name">Of the part of the reports; evaluate's <c>to</c>.</param>
/// <param name="Text">The same in every run.</param>
/// <param name="Models">In the order of the definitions, or best first.</param>
internal sealed record ComparedPart(string Name, JudgedText Text, IReadOnlyList<ComparedModel> Models)
{
    public ComparedModel? this[string name] => Models.FirstOrDefault(m => m.Name == name);
}

/// <param name="Name">The same name in several runs makes repeats of one model.</param>
/// <param name="BitsPerByte">Of the runs that have the model.</param>
/// <param name="GapClosed">(before − this) / (before − teacher), each run against its own two; null where they are not, and for the two themselves.</param>
/// <param name="Agreement">Share of the compared offsets where its likeliest next byte is the reference's; null where there is none.</param>
internal sealed record ComparedModel(string Name, Repeats BitsPerByte, Repeats? GapClosed, Repeats? Agreement);
