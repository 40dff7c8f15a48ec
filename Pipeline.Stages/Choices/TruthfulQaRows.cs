using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;

namespace Pipeline.Stages.Choices;

/// <summary>
/// Reads the multiple-choice questions of TruthfulQA (Lin et al. 2022). The prompt is <c>Q: …\nA:</c>, and every answer ends with a full stop.
/// </summary>
internal static class TruthfulQaRows
{
    /// <summary>
    /// For each record, a function that makes its question for an id. The function throws <see cref="ChoiceReject"/> where the record is not a question.
    /// </summary>
    public static IEnumerable<Func<DocumentId, ChoiceQuestion>> Read(IStorage storage, string path, string examples)
        => CsvTable.Read(storage, path, "Question", "Best Answer", "Correct Answers", "Incorrect Answers", "Category")
            .Select(fields => (Func<DocumentId, ChoiceQuestion>)(id => Question(id, fields ?? throw new ChoiceReject("number of fields differs from number of columns", "the record is cut off or not quoted"), examples)));

    private static ChoiceQuestion Question(DocumentId id, string[] fields, string examples)
    {
        string question = fields[0].Trim();
        List<string> right = List(fields[2]), wrong = List(fields[3]);
        if (question.Length == 0 || fields[1].Trim().Length == 0 || right.Count == 0 || wrong.Count == 0)
            throw new ChoiceReject("no question or no answer", $"'{question}': {right.Count} correct and {wrong.Count} incorrect answers");
        string best = Sentence(fields[1]);
        // The best answer counts as one of the correct ones, even if the list does not repeat it.
        if (!right.Contains(best))
            right.Insert(0, best);
        return new ChoiceQuestion(
            id, $"{examples}Q: {question}\nA:", [.. right.Concat(wrong).Select(a => " " + a)], [.. right.Select(_ => true), .. wrong.Select(_ => false)], right.IndexOf(best))
        { Category = fields[4].Trim() };
    }

    private static List<string> List(string answers) => [.. answers.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Sentence)];

    private static string Sentence(string answer) => answer.Trim() is var text && text.EndsWith('.') ? text : text + ".";
}
