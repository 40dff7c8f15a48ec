using System.Reflection;
using Pipeline.Contracts.Records;

namespace Pipeline.Host.Graph;

/// <summary>The id of a record, for the reject file; records that have none say what they are.</summary>
internal static class RecordId<T>
{
    private static readonly Func<T, string> Read = Find();

    public static string Of(T record) => Read(record);

    private static Func<T, string> Find()
    {
        PropertyInfo? id = typeof(T).GetProperty("Id", typeof(DocumentId));
        if (id is not null)
            return record => id.GetValue(record)!.ToString()!;
        if (typeof(T) == typeof(OrderedExample))
            return record => ((OrderedExample)(object)record!).Example.Id.ToString();
        return _ => $"a {typeof(T).Name}";
    }
}
