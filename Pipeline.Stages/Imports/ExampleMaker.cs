using System.Globalization;
using System.Text;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Stages.Alignment;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Text;
using Pipeline.Stages.Tokenization;
using Pipeline.Stages.Tokenization.Tokens;

namespace Pipeline.Stages.Imports;

/// <summary>A row of scores to what a student learns from. One worker's.</summary>
/// <param name="options">Limits, marks and what masses are.</param>
/// <param name="student">The student's.</param>
/// <param name="teacher">Checks ids; null: they are taken as they are.</param>
internal sealed class ExampleMaker(ImportScoresOptions options, TextEncoder student, TextTokenizer? teacher)
{
    /// <exception cref="RejectedException">The row cannot be used; the message follows the reason.</exception>
    public Example Make(DocumentId id, ScoredRow row)
    {
        if (row.UnequalLength(options) is { } lengths)
            throw new RejectedException(id, ImportRejects.Lengths, $": {lengths}");
        if (row.Count == 0)
            throw new RejectedException(id, ImportRejects.NoTokens, "");
        if (row.Text.Length == 0)
            throw new RejectedException(id, TextRejects.Empty, "");
        string text = row.Prompt + row.Text;
        // The student would read other bytes than the teacher scored.
        if (WellFormedText.Normalize(text) != text)
            throw new RejectedException(id, ImportRejects.NotNormal, "; normalize it before it is scored");
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int promptBytes = Encoding.UTF8.GetByteCount(row.Prompt);
        TokenSequence tokens = PlacedTokens.Of(id, row, bytes, promptBytes, teacher), own = Student(id, text, promptBytes, bytes.Length);
        if (tokens.Count > options.MaxTeacherTokens || own.Count > options.StudentLimit)
        {
            throw new RejectedException(id, ImportRejects.TooLong, string.Create(
                CultureInfo.InvariantCulture, $": {tokens.Count} and {own.Count} tokens where {options.MaxTeacherTokens} and {options.StudentLimit} are allowed"));
        }
        TeacherScores scores = ImportedNumbers.Of(id, row, tokens.Count - row.Count, options.Knowledge);
        return new Example(id, text, own, new TeacherView(tokens, scores), ChunkAligner.Align(tokens, own));
    }

    private TokenSequence Student(DocumentId id, string text, int promptBytes, int bytes)
    {
        try
        {
            TokenSequence tokens = student.EncodeDocument(text, options.AddBos, options.AddEos);
            return promptBytes == 0 ? tokens : tokens with { LossMask = LossMasks.Of(tokens, [(promptBytes, bytes)], bytes) };
        }
        catch (ByteViewException e)
        {
            throw new RejectedException(id, ByteViewException.Reason, $": {e.Message}");
        }
    }
}
